/// A model as the configuration names it.
package struct ModelDescription: Sendable, Equatable, Codable {
    /// What requests call it.
    package var id: String
    /// What people read.
    package var title: String?
    /// A `.safetensors` file or a diffusers folder.
    package var path: String
    package var vae: String?
    package var clip: String?
    package var t5: String?
    /// A diffusers folder whose configurations go with a single file.
    package var configuration: String?
    /// `sdxl`, `flux`; nil is told from the file.
    package var family: String?
    /// A precision policy as `--precision` takes it; nil is `auto`.
    package var precision: String?
    /// `auto`, `cpu`, `cuda`, `cuda:N`; nil is `auto`.
    package var device: String?
    /// What a request that leaves a field out gets.
    package var defaults = ModelDefaults()
    /// Files and folders of textual inversion, whose words its prompts may use.
    package var embeddings: [String] = []
    /// Folders with adapters for it.
    package var loraFolders: [String] = []

    package init(id: String, path: String) {
        self.id = id
        self.path = path
    }
}

/// A model's usual values, where they differ from its family's.
package struct ModelDefaults: Sendable, Equatable, Codable {
    package var width: Int?
    package var height: Int?
    package var steps: Int?
    package var guidanceScale: Double?
    package var sampler: String?
    package var schedule: String?
    package var negativePrompt: String?
    package var clipSkip: Int?

    package init() {}

    /// Fills what the request leaves out.
    package func complete(_ request: inout Request) {
        if request.width == nil, request.height == nil, request.image == nil {
            (request.width, request.height) = (width, height)
        }
        request.steps = request.steps ?? steps
        request.guidanceScale = request.guidanceScale ?? guidanceScale
        request.sampler = request.sampler ?? sampler
        request.schedule = request.schedule ?? schedule
        request.negativePrompt = request.negativePrompt ?? negativePrompt
        if let clipSkip, request.clipSkip == 0 { request.clipSkip = clipSkip }
    }
}

/// Opens checkpoints: the composition root's, and a fake in tests.
package protocol ModelLoader: Sendable {
    /// What the model comes to in so much memory, from the files' headers alone.
    /// - Throws: ``Failure``; `CancellationError`.
    func plan(_ model: ModelDescription, in room: MemoryRoom) async throws -> PlannedModel
    /// Reads headers and plans for the memory that a plan counted on; weights are read when the worker first needs them, and
    /// given back when it is let go.
    /// - Throws: ``Failure``; `CancellationError`.
    func open(_ model: ModelDescription, as planned: PlannedModel) async throws -> any Worker
}

/// The memory that a model is planned for.
package struct MemoryRoom: Sendable, Equatable {
    /// Bytes that it and what it computes with may take at most.
    package var most: Int
    /// Bytes that others hold now and that are let go before it needs them.
    package var returning: Int

    package init(most: Int, returning: Int = 0) {
        self.most = most
        self.returning = returning
    }

    /// What a plan may count on.
    /// - Parameter free: Bytes that are free now; nil where nothing says.
    package func allowance(free: Int?) -> Int {
        guard let free else { return most }
        let (sum, isTooMuch) = free.addingReportingOverflow(returning)
        return isTooMuch ? most : min(most, sum)
    }
}

/// A model as it would be opened.
package struct PlannedModel: Sendable, Equatable {
    /// The plan's name: models that are opened by plans of one name are the same.
    package var plan: String
    /// Bytes that it keeps in memory.
    package var bytes: Int
    /// Bytes at the widest moment of a picture of its usual size, those that it keeps included where they are in use then.
    package var peakBytes: Int
    /// Bytes that the plan counts on.
    package var allowance: Int

    package init(plan: String, bytes: Int, peakBytes: Int, allowance: Int) {
        self.plan = plan
        self.bytes = bytes
        self.peakBytes = peakBytes
        self.allowance = allowance
    }
}

/// What a request comes to, without computing any of it.
package struct Examination: Sendable, Equatable, Codable {
    package var width: Int
    package var height: Int
    package var steps: Int
    package var count: Int
    package var sampler: String
    package var schedule: String
    package var guidanceScale: Double?
    /// See ``PromptReport/tokenCount``.
    package var promptTokens: Int
    package var negativePromptTokens: Int
    /// How the prompts were read; nil where a worker does not say.
    package var promptReport: PromptReport?
    package var negativePromptReport: PromptReport?
    /// The precision plan's name, and each stage's computing format.
    package var plan: String
    package var formats: [String: String]
    /// What the model keeps in memory, and what this request needs beside it at its widest, in bytes.
    package var modelBytes: Int
    package var workingBytes: Int
    /// What will be done that the request does not literally say.
    package var notes: [String]

    package init(
        width: Int, height: Int, steps: Int, count: Int, sampler: String, schedule: String,
        guidanceScale: Double?, promptTokens: Int, negativePromptTokens: Int, plan: String,
        formats: [String: String], modelBytes: Int, workingBytes: Int, notes: [String]
    ) {
        self.width = width
        self.height = height
        self.steps = steps
        self.count = count
        self.sampler = sampler
        self.schedule = schedule
        self.guidanceScale = guidanceScale
        self.promptTokens = promptTokens
        self.negativePromptTokens = negativePromptTokens
        self.plan = plan
        self.formats = formats
        self.modelBytes = modelBytes
        self.workingBytes = workingBytes
        self.notes = notes
    }
}
