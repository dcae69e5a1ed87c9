internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// What a model predicts, of its input `[rows, channels, height, width]` at a timestep; of the same shape.
typealias Predictor = @Sendable (_ input: Tensor, _ timestep: Double) throws -> Tensor

/// A checkpoint that ``Pipeline`` paints with: all that one family does otherwise than another, in the order in which a
/// request meets it.
///
/// A new family conforms its checkpoint to this and is registered in ``PaintingFamily/all``.
protocol StagedCheckpoint: PaintableCheckpoint {
    /// The family's requests, made definite.
    associatedtype Order: DefiniteRequest
    /// Its text encoders, loaded.
    associatedtype TextStage: PromptStage where TextStage.Tokens == Order.Tokens
    /// Its denoiser, loaded.
    associatedtype Denoiser: Sendable

    /// How its checkpoints are recognised.
    static var family: ModelFamily { get }
    var vae: Component<VAEConfiguration> { get }
    /// The weights that a stage computes with.
    func weights(_ stage: Stage) -> ComponentWeights

    /// The vocabularies of its text encoders.
    /// - Parameter embeddings: Words that textual inversion adds.
    func tokens(_ embeddings: [TextualInversion]) throws -> Order.Tokens
    /// Fills in every default of a request, and refuses what can't be done.
    /// - Parameter squareRoots: How noise levels are rounded; libtorch's own where it is open.
    func definite(
        _ request: Request, _ tokens: Order.Tokens, _ plan: Plan, squareRoots: SquareRoots
    ) throws -> Order

    // MARK: - On the device thread

    /// Loads the text encoders.
    func makeTextStage(_ models: StagedModels<Self>) throws(WeightError) -> TextStage
    /// Loads the denoiser.
    func makeDenoiser(_ models: StagedModels<Self>) throws(WeightError) -> Denoiser
    /// The denoiser as a function, with what does not change from step to step.
    /// - Parameter rows: What each row of the input is conditioned on.
    func predictor(
        _ denoiser: Denoiser, _ rows: [EncodedPrompt], _ order: Order, on device: Device
    ) throws -> Predictor
    /// What the text encoders said of a prompt, by encoder, each output with its name: what verification compares.
    func outputs(
        _ prompt: EncodedPrompt
    ) throws(TensorError) -> [(stage: Stage, name: String, values: [Float])]
}

/// A request made definite for one checkpoint: every default filled in, everything checked that needs no computing.
protocol DefiniteRequest: Sendable {
    associatedtype Tokens: PromptTokenizing

    var sampler: Sampler { get }
    var schedule: ScheduleChoice { get }
    var steps: Int { get }
    var trajectory: Trajectory { get }
    /// By a negative side of the batch.
    var guidance: Guidance { get }
    /// The scale in the words of the family; nil for a model that takes none.
    var guidanceScale: Double? { get }
    /// Pixels.
    var width: Int { get }
    /// Pixels.
    var height: Int { get }
    /// The picture that image-to-image starts from.
    var source: SourcePicture? { get }
    /// Each picture's.
    var seeds: [UInt64] { get }
    var prompts: PromptSet { get }
    /// The vocabularies, with lines as long as this run takes them.
    var tokens: Tokens { get }
    /// What was done that the request did not literally say.
    var notes: [String] { get }

    /// Adds to a receipt what no other family has.
    func describe(in receipt: inout Receipt)
}

extension DefiniteRequest {
    func describe(in receipt: inout Receipt) {}
}

extension StagedCheckpoint {
    /// Pixels a latent stands for, along each side.
    var factor: Int { vae.configuration.factor }

    package func worker(_ settings: WorkerSettings) throws -> any Worker { try Pipeline(self, settings) }

    package func verification(
        _ settings: WorkerSettings, _ verification: VerificationSettings, availableMemory: Int?
    ) throws -> any PlanVerification {
        try Verifier(self, settings, verification, availableMemory: availableMemory)
    }
}
