/// What is wrong with a configuration file, and where.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// As it was typed.
    package let file: String
    /// From 1; nil where the file as a whole is meant.
    package let line: Int?
    /// `server.limits.connections`, `models[1].path`; nil where no key is meant.
    package let key: String?
    package let reason: String

    package init(file: String, line: Int?, key: String?, reason: String) {
        self.file = file
        self.line = line
        self.key = key
        self.reason = reason
    }

    package var description: String {
        let place = file + (line.map { ":\($0)" } ?? "")
        return "\(place): " + (key.map { "\($0): " } ?? "") + reason
    }
}
