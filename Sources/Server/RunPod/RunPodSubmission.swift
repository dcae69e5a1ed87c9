internal import Foundation
internal import Generation

/// The body of `/run` and `/runsync`.
struct RunPodSubmission: Sendable, Equatable {
    var input: JSONValue
    /// Where the finished job is to be told.
    var webhook: String?
    /// Seconds that it may run.
    var executionTimeout: Double?
    /// Seconds from its submission to its end.
    var timeToLive: Double?
    var isLowPriority = false
    /// Where the client wants its pictures put.
    var store: RunPodStore?
    /// Members that are not known and had no effect, as sentences.
    var notes: [String] = []

    /// Milliseconds.
    static let executionTimeouts = 5_000...604_800_000
    static let timesToLive = 10_000...604_800_000

    /// - Throws: ``Failure`` whose field is a name of the wire.
    static func parse(_ body: JSONValue) throws(Failure) -> RunPodSubmission {
        guard case .object(let object) = body else {
            throw .badRequest("input", "the body is \(body.kind), it must be an object with 'input'")
        }
        var fields = RunPodFields(object)
        guard let (_, input) = try fields.value(["input"]) else {
            throw .badRequest("input", "'input' is missing: what the job is")
        }
        var submission = RunPodSubmission(input: input)
        submission.webhook = try fields.text("webhook")
        if let (field, _) = try fields.value(["webhookV2"]) {
            throw Failure(.notSupported, "'webhookV2' is not supported: send webhook", field: field)
        }
        if let (path, policy) = try fields.object("policy") {
            try submission.readPolicy(policy, path)
        }
        if let (path, store) = try fields.object("s3Config") {
            submission.store = try RunPodStore(store, path)
        }
        submission.notes += fields.unknown.map {
            "'\(Words.shown($0))' beside 'input' is not known and had no effect"
        }
        return submission
    }

    private mutating func readPolicy(_ object: JSONObject, _ path: String) throws(Failure) {
        var fields = RunPodFields(object, path: path + ".")
        executionTimeout = try Self.seconds(
            try fields.integer("executionTimeout"), path + ".executionTimeout", Self.executionTimeouts)
        timeToLive = try Self.seconds(try fields.integer("ttl"), path + ".ttl", Self.timesToLive)
        isLowPriority = try fields.flag("lowPriority") ?? false
        notes += fields.unknown.map { "'\(path).\(Words.shown($0))' is not known and had no effect" }
    }

    private static func seconds(
        _ milliseconds: Int?, _ field: String, _ range: ClosedRange<Int>
    ) throws(Failure) -> Double? {
        guard let milliseconds else { return nil }
        guard range.contains(milliseconds) else {
            throw .badRequest(
                field,
                "\(field) is \(milliseconds), it must be from \(range.lowerBound) to \(range.upperBound) "
                    + "milliseconds")
        }
        return Double(milliseconds) / 1000
    }
}

/// A client's own S3 store, `s3Config`.
package struct RunPodStore: Sendable, Equatable {
    package let endpoint: String
    package let keyID: String
    package let secret: String
    package let bucket: String
    /// Before the names of pictures; nil for none.
    package let path: String?

    init(_ object: JSONObject, _ name: String) throws(Failure) {
        var fields = RunPodFields(object, path: name + ".")
        func needed(_ text: String?, _ field: String) throws(Failure) -> String {
            guard let text, !text.isEmpty else {
                throw .badRequest("\(name).\(field)", "'\(name).\(field)' is missing")
            }
            return text
        }
        endpoint = try needed(try fields.text("endpointUrl"), "endpointUrl")
        keyID = try needed(try fields.text("accessId"), "accessId")
        secret = try needed(try fields.text("accessSecret"), "accessSecret")
        bucket = try needed(try fields.text("bucketName"), "bucketName")
        path = try fields.text("objectPath")
    }
}
