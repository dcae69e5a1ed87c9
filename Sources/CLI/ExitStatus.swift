internal import Generation

/// What the program tells the shell: the one place that turns codes of failure into numbers.
enum ExitStatus: Int32, Error, CaseIterable {
    case done = 0
    /// The request asks for something impossible; wrong arguments too.
    case badRequest = 2
    /// This machine cannot do it, or what it computed was no picture.
    case cannotRun = 3
    case badCheckpoint = 4
    /// `gesso precision plan`: no plan for this model can be run here.
    case noPlan = 5
    /// What was measured is further from float32 than its gate allows.
    case gateFailed = 6
    /// The shell's own number for what Ctrl-C has ended.
    case cancelled = 130

    init(_ code: Failure.Code) {
        self =
            switch code {
            case .badRequest, .notSupported, .unknownModel, .conflict: .badRequest
            case .cannotRun, .notFinite, .outOfMemory, .queueFull, .expired, .timedOut, .interrupted,
                .deliveryFailed:
                .cannotRun
            case .badCheckpoint: .badCheckpoint
            }
    }
}

/// How a command that did not succeed ends: a sentence for people, an object for programs, a number for the shell.
struct ErrorReport: Encodable, Equatable {
    struct Facts: Encodable, Equatable {
        let code: String
        let message: String
        let field: String?

        private enum CodingKeys: CodingKey { case code, message, field }

        /// Writes `null` for a missing field, so that the object always has the same keys.
        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(code, forKey: .code)
            try values.encode(message, forKey: .message)
            try values.encode(field, forKey: .field)
        }
    }

    let error: Facts
    let status: ExitStatus

    private enum CodingKeys: CodingKey { case error }

    init(_ failure: Failure) {
        error = Facts(code: failure.code.rawValue, message: failure.message, field: failure.field)
        status = ExitStatus(failure.code)
    }

    private init(_ error: Facts, _ status: ExitStatus) {
        self.error = error
        self.status = status
    }

    static let cancelled = ErrorReport(Facts(code: "cancelled", message: "cancelled", field: nil), .cancelled)

    /// The line for standard error.
    var sentence: String {
        status == .cancelled ? "gesso: cancelled" : "gesso: error: \(error.message)"
    }
}
