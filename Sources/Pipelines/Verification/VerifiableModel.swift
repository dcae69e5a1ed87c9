internal import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// One family's models as verification drives them: stage by stage, loaded as one plan says when first needed, given back
/// when told. A value that lives on the device thread.
///
/// A family joins with one conformer. Two of them run, one with the plan and one with float32 throughout.
protocol VerifiableModel: Sendable {
    /// A request made definite: sizes, schedule, tokens.
    associatedtype Order: VerifiableOrder
    /// What the denoiser is told besides latents and time; on whatever device, ``predictor(_:)`` moves it.
    associatedtype Conditioning: Sendable

    var plan: Plan { get }
    var autoencoder: VAEConfiguration { get }
    /// Look into a stage's model when asked to.
    var observers: [Stage: SiteObserver] { get }

    /// Fills in every default and refuses what can't be done.
    func order(_ request: Request) throws -> Order
    /// Runs the text encoders.
    /// - Throws: `Anomaly` where one of them says nothing.
    mutating func read(_ order: Order) throws -> TextReading<Conditioning>
    /// The denoiser, as ``DenoisingLoop/advance(_:_:predict:)`` takes it; inputs may lie on any device.
    mutating func predictor(_ conditioning: Conditioning) throws -> (Tensor, Double) throws -> Tensor
    mutating func pictureStage() throws -> PictureStage
    func sourceStage() throws -> SourceStage
    /// Gives a stage's memory back.
    mutating func release(_ stage: Stage)
}

extension VerifiableModel {
    /// Where a stage computes.
    func device(of stage: Stage) -> Device { Placement(plan[stage], observer: nil).computeDevice }

    /// The loop before its first step.
    func startLoop(_ order: Order, seed: UInt64) throws -> DenoisingLoop {
        try DenoisingLoop(
            order.trajectory, order.guidance, seed: seed, size: (order.width, order.height), autoencoder, nil,
            on: device(of: .denoiser))
    }

    /// Red, green and blue in about -1...1, of latents as the loop leaves them, wherever they lie.
    /// - Throws: `Anomaly` where they are none.
    mutating func decode(_ latents: Tensor) throws -> DecodedPlanes {
        let planes = try pictureStage().planes(latents.to(device(of: .decode))) { _, _ in }
        let (height, width) = (latents.shape[2] * autoencoder.factor, latents.shape[3] * autoencoder.factor)
        return DecodedPlanes(planes: planes, width: width, height: height)
    }

    /// What the autoencoder makes of a picture, each part by its name.
    /// - Throws: `Anomaly` where it makes none.
    func encode(_ picture: Picture) throws -> [(name: String, values: [Float])] {
        let moments = try sourceStage().encode(SourcePicture(picture)) { _, _ in }
        return [
            ("mean", try moments.mean.floats()),
            ("logarithm of the variance", try moments.logVariance.floats()),
        ]
    }
}

/// What a definite request says of its run.
protocol VerifiableOrder: Sendable {
    var width: Int { get }
    var height: Int { get }
    var trajectory: Trajectory { get }
    var guidance: Guidance { get }
    /// The scale in the words of the family; nil for a model that takes none.
    var guidanceScale: Double? { get }
}

/// What text encoders say about one prompt.
struct TextReading<Conditioning: Sendable>: Sendable {
    /// By encoder: each of its outputs, float32, with its name.
    let said: [Stage: [(name: String, values: [Float])]]
    let conditioning: Conditioning
}

/// A decoded picture before it is rounded to 8 bits.
struct DecodedPlanes: Sendable {
    /// `[3, height, width]`, about -1...1.
    let planes: [Float]
    let width: Int
    let height: Int

    /// The 8-bit picture, rounded as in a generation.
    func picture() throws -> Picture {
        try PictureStage.picture(planes, height: height, width: width)
    }
}
