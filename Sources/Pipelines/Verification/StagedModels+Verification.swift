internal import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

// One checkpoint's models as verification drives them: stage by stage, by hand. Two of them run, one with the plan and one
// with float32 throughout, and neither computes anything again.
extension StagedModels {
    /// Fills in every default and refuses what can't be done, or not be verified.
    func order(_ request: Request) throws -> Checkpoint.Order {
        let order = try checkpoint.definite(request, tokens, plan, squareRoots: .libtorch)
        try order.prompts.requireConstant(for: "verification")
        return order
    }

    /// Runs the text encoders.
    /// - Throws: `Anomaly` where one of them says nothing.
    mutating func read(_ order: Checkpoint.Order) throws -> TextReading<Checkpoint.Order> {
        tokens = order.tokens
        let encoded = try textStage().read(order.prompts)
        // The last one is the prompt; a negative prompt of zeros was not read.
        let read = order.prompts.negative == nil ? encoded.suffix(1) : encoded[...]
        var said: [Stage: [(name: String, values: [Float])]] = [:]
        for (index, prompt) in read.enumerated() {
            let kind = index == read.count - 1 ? "" : "negative "
            for output in try checkpoint.outputs(prompt) {
                said[output.stage, default: []].append((kind + output.name, output.values))
            }
        }
        return TextReading(said: said, order: order, encoded: encoded)
    }

    /// The denoiser, as ``DenoisingLoop`` takes it; inputs may lie on any device.
    mutating func predictor(_ text: TextReading<Checkpoint.Order>) throws -> Predictor {
        let predict = try predictor(text.encoded, text.order)
        let device = device(of: .denoiser)
        return { input, timestep in try predict(input.to(device), timestep) }
    }

    /// The loop before its first step.
    func startLoop(_ order: Checkpoint.Order, seed: UInt64) throws -> DenoisingLoop {
        try DenoisingLoop(
            order.trajectory, order.guidance, seed: seed, size: (order.width, order.height),
            checkpoint.vae.configuration, nil, on: device(of: .denoiser))
    }

    /// Red, green and blue in about -1...1, of latents as the loop leaves them, wherever they lie.
    /// - Throws: `Anomaly` where they are none.
    mutating func decode(_ latents: Tensor) throws -> DecodedPlanes {
        let planes = try pictureStage().planes(latents.to(device(of: .decode))) { _, _ in }
        return DecodedPlanes(
            planes: planes, width: latents.shape[3] * checkpoint.factor,
            height: latents.shape[2] * checkpoint.factor)
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

/// What text encoders say about one prompt.
struct TextReading<Order: DefiniteRequest>: Sendable {
    /// By encoder: each of its outputs, float32, with its name.
    let said: [Stage: [(name: String, values: [Float])]]
    let order: Order
    /// What the denoiser is told, a row each.
    let encoded: [EncodedPrompt]
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
