/// What a checkpoint's files say about one stage, without computing with them.
package struct StageFacts: Sendable, Equatable, Codable {
    /// How many numbers the stage has.
    package var parameters: Int
    /// How many bytes of its files it takes.
    package var fileBytes: Int
    /// The format most of its numbers have in the files; nil for one that is no computing format, such as fp8.
    package var declared: NumberFormat?
    /// Whether its files may hold numbers beyond float16's range: some of them are kept in a format that reaches further.
    package var mayExceedFP16 = false
    /// The largest magnitude of any weight that the stage's format computes; nil where the weights were not read.
    package var largestWeight: Double?
    /// The tensor that holds it.
    package var largestKey: String?
    /// Tensors that are used and hold a value that is not finite.
    package var nonFinite: [String] = []
    /// Tensors that no layer asks for and that hold one: harmless.
    package var deadNonFinite: [String] = []
    /// The largest magnitude seen at each site in a run in float32; nil where none was made.
    package var range: [String: Double]?
    /// Which operators the stage spends its time in, as shares that sum to about 1.
    package var work: [ProbedOperation: Double]
    /// Whether the checkpoint's own configuration asks for float32 (`force_upcast`, `upcast_attention`).
    package var asksForFP32 = false
    /// How many numbers its largest tensor has.
    package var largestTensor = 0
    /// Bytes of activations at the request's size, in float32, at the stage's widest place.
    package var activationBytes = 0

    package init(
        parameters: Int, fileBytes: Int, declared: NumberFormat?, work: [ProbedOperation: Double],
        asksForFP32: Bool = false, activationBytes: Int = 0
    ) {
        self.parameters = parameters
        self.fileBytes = fileBytes
        self.declared = declared
        self.work = work
        self.asksForFP32 = asksForFP32
        self.activationBytes = activationBytes
    }
}

/// What is known of a model before it runs.
package struct ModelFacts: Sendable, Equatable, Codable {
    /// `sdxl`, `flux` ...
    package var family: String
    package var stages: [Stage: StageFacts]

    package init(family: String, stages: [Stage: StageFacts]) {
        self.family = family
        self.stages = stages
    }
}

/// What a request means for memory.
package struct RequestFacts: Sendable, Equatable, Codable {
    package var width: Int
    package var height: Int
    /// Whether a source picture is encoded.
    package var hasSource: Bool

    package init(width: Int, height: Int, hasSource: Bool = false) {
        self.width = width
        self.height = height
        self.hasSource = hasSource
    }
}

/// How many bytes a plan may take; nil where nothing says, which counts as enough.
package struct MemoryBudget: Sendable, Equatable, Codable {
    /// On the computing device.
    package var device: Int?
    /// Of the host; the same memory where the host computes.
    package var host: Int?

    package static let unlimited = MemoryBudget(device: nil, host: nil)

    package init(device: Int?, host: Int?) {
        self.device = device
        self.host = host
    }
}
