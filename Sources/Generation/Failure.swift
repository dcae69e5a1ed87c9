/// Why a generation did not happen: a stable code, a sentence that says what and where, and the field or file.
package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
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
