/// Why a generation did not happen: a stable code, a sentence that says what and where, and the field or file.
package struct Failure: Error, Sendable, Equatable, Codable, CustomStringConvertible {
    package enum Code: String, Sendable, Codable, CaseIterable {
        /// The request asks for something impossible; ``field`` says where.
        case badRequest = "bad_request"
        /// The machine lacks something: libtorch, a device, memory, disk.
        case cannotRun = "cannot_run"
        /// The checkpoint is broken, unknown or does not fit together.
        case badCheckpoint = "bad_checkpoint"
        /// The computation gave numbers that are no picture; nothing was returned as one.
        case notFinite = "not_finite"
        /// There was not enough memory, on the device or the host.
        case outOfMemory = "out_of_memory"
        /// What is asked for is known and not there yet; ``field`` says what.
        case notSupported = "not_supported"
        /// No model of that name is configured.
        case unknownModel = "unknown_model"
        /// As many jobs wait as may.
        case queueFull = "queue_full"
        /// The job's id stands for another request.
        case conflict
        /// The deadline came before the picture.
        case expired
        /// It ran longer than it may.
        case timedOut = "timed_out"
        /// The program ended while it ran, more than once.
        case interrupted
        /// The pictures were painted and could not be stored where they are delivered from.
        case deliveryFailed = "delivery_failed"
    }

    package let code: Code
    package let message: String
    /// The request's field at fault, as people call it: `guidance scale`.
    package let field: String?

    package init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        // One line, whatever the cause's text looks like.
        self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.field = field
    }

    package static func badRequest(_ field: String, _ message: String) -> Failure {
        Failure(.badRequest, message, field: field)
    }

    package var description: String { message }
}
