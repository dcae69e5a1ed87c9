package import struct Foundation.Date

/// What a job is called, everywhere and for ever: chosen by who submits it, or drawn.
///
/// 1 to 64 letters, digits, `-`, `_` and `.` of ASCII, not beginning with a point: it may stand in an address.
package struct JobID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    /// nil when the text is no id.
    package init?(_ text: String) {
        let isAllowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isAllowed, (1...64).contains(text.utf8.count), !text.hasPrefix(".") else { return nil }
        self.text = text
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = JobID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no job id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var description: String { text }
}

/// A request on its way: who asked, for which model, how the pictures are to be delivered, and how long it may take.
package struct Job: Sendable, Equatable {
    package let id: JobID
    /// Whose it is: an API key's name, or what a front calls its only caller. Callers see their own jobs alone, and the
    /// queue is fair between them.
    package let caller: String
    /// A model's id in the configuration.
    package let model: String
    package var request: Request
    package var output: OutputOptions
    /// Higher first, -10...10.
    package var priority = 0
    package var submitted: Date
    /// A job that has not finished by then fails as `expired`; nil waits for ever.
    package var deadline: Date?
    /// Seconds that it may run, loading included; nil for the server's own limit.
    package var timeLimit: Double?
    /// Which front took it in, and what that front wants to find again when the job is done (a webhook's address).
    package var front: String
    package var details: [String: String] = [:]

    package init(
        id: JobID, caller: String, model: String, request: Request, output: OutputOptions = OutputOptions(),
        submitted: Date, front: String
    ) {
        self.id = id
        self.caller = caller
        self.model = model
        self.request = request
        self.output = output
        self.submitted = submitted
        self.front = front
    }

    package static let priorities = -10...10

    /// Whether two submissions ask for the same thing: what makes a repeated one safe.
    package func asksTheSame(as other: Job) -> Bool {
        caller == other.caller && model == other.model && request == other.request && output == other.output
    }
}

/// How pictures are delivered.
package struct OutputOptions: Sendable, Equatable, Codable {
    /// `png`, `jpeg` or `webp`.
    package var format = "png"
    /// 1 to 100, for JPEG and WebP; nil for the format's usual.
    package var quality: Int?
    /// Whether the receipt is written into the files.
    package var embedsReceipt = true

    package init() {}
}

/// Where a job stands. It moves queued -> running -> one of the others, back to queued only when its run was
/// interrupted or given back, and from failed to queued when somebody asks for another try.
package enum JobStatus: String, Sendable, Codable, CaseIterable {
    case queued, running, done, failed, cancelled

    package var isFinished: Bool {
        switch self {
        case .queued, .running: false
        case .done, .failed, .cancelled: true
        }
    }
}

/// A picture that was delivered.
package struct StoredPicture: Sendable, Equatable, Codable {
    /// In the image store.
    package let key: ImageKey
    /// Of a small JPEG of it; nil where none was made.
    package let thumbnail: ImageKey?
    /// `image/png`, `image/jpeg` or `image/webp`.
    package let contentType: String
    package let byteCount: Int
    package let width: Int
    package let height: Int
    package let receipt: Receipt

    package init(
        key: ImageKey, thumbnail: ImageKey?, contentType: String, byteCount: Int, width: Int, height: Int,
        receipt: Receipt
    ) {
        self.key = key
        self.thumbnail = thumbnail
        self.contentType = contentType
        self.byteCount = byteCount
        self.width = width
        self.height = height
        self.receipt = receipt
    }
}

/// What came of a job.
package enum JobOutcome: Sendable, Equatable {
    /// As many pictures as were asked for, all of them delivered.
    case done([StoredPicture], notes: [String], seconds: [Progress.Stage: Double])
    case failed(Failure)
    case cancelled
}

/// A job and all that is known of it.
package struct JobRecord: Sendable, Equatable {
    /// Without its source picture, but from ``JobStore/begin(_:at:)``: else it is asked for apart.
    package var job: Job
    package var status: JobStatus
    /// How often it began to run.
    package var attempts = 0
    package var started: Date?
    package var finished: Date?
    /// The newest, while it runs.
    package var progress: Progress?
    /// Whether a running job has been asked to stop.
    package var isCancelling = false
    package var outcome: JobOutcome?
    package var isFavourite = false
    package var tags: [String] = []

    package init(job: Job, status: JobStatus) {
        self.job = job
        self.status = status
    }

    package var pictures: [StoredPicture] {
        if case .done(let pictures, _, _)? = outcome { pictures } else { [] }
    }
    package var failure: Failure? {
        if case .failed(let failure)? = outcome { failure } else { nil }
    }
}
