internal import Foundation
package import Logging

/// Writes each log entry as one line of JSON: time, level, message and its facts.
///
/// Messages are constant sentences; what differs stands in the metadata, so that lines can be searched by field.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable (String) -> Void

    /// - Parameter write: Gets whole lines, with their line end.
    package init(
        label: String, level: Logger.Level = .info,
        write: @escaping @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.label = label
        self.write = write
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields: [String: String] = [:]
        for (key, value) in metadata { fields[Self.name(key)] = "\(value)" }
        for (key, value) in metadataProvider?.get() ?? [:] { fields[Self.name(key)] = "\(value)" }
        for (key, value) in event.metadata ?? [:] { fields[Self.name(key)] = "\(value)" }
        fields["time"] = Timestamp.text(Date())
        fields["level"] = event.level.rawValue
        fields["logger"] = label
        fields["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(fields) else { return }  // texts always encode
        write(String(decoding: data, as: UTF8.self) + "\n")
    }

    /// What others call the request's id is `request` here.
    private static func name(_ key: String) -> String { key == "hb.request.id" ? "request" : key }
}
