internal import Generation
internal import Imaging
internal import Layers
package import Models
package import Planning
internal import Sampling
package import Torch

extension SDXLCheckpoint {
    /// What verifies the plan that a generation with these arguments would run.
    /// - Parameters:
    ///   - facts: What is known of the device; nil for a device that was not measured.
    ///   - budget: What memory allows the plan.
    ///   - learned: Promotions that earlier runs of this checkpoint on this device needed.
    ///   - availableMemory: Bytes of host memory that the reference may take; nil where nothing says.
    /// - Throws: ``Failure``: no libtorch, no such device, tokenizer files that can't be read, or a policy that cannot be
    ///   followed here.
    package func verification(
        of policy: PrecisionPolicy, device: Device, settings: VerificationSettings, facts: DeviceFacts? = nil,
        budget: MemoryBudget = .unlimited, learned: [Promotion] = [],
        availableMemory: Int? = HostMemory.available
    ) throws -> any PlanVerification {
        let (libtorch, tokens) = try failing {
            (try LibTorch.open(), try SDXLTextStage.Tokens(self))
        }
        try DeviceCheck.require(device, libtorch)
        let plan = plan(
            facts ?? DeviceFacts(unmeasured: device), policy: policy, width: settings.width,
            height: settings.height, budget: budget, learned: learned)
        guard plan.problems.isEmpty else {
            throw Failure(.cannotRun, plan.problems.joined(separator: "; "), field: "precision")
        }
        return Verifier(
            model: name, family: "sdxl", libtorch: libtorch.version, device: device,
            reference: VerifiableSDXL(
                self, tokens, referencePlan(settings, availableMemory: availableMemory)),
            planned: VerifiableSDXL(self, tokens, plan), availableMemory: availableMemory)
    }

    /// float32 in every stage, on the CPU.
    func referencePlan(_ settings: VerificationSettings, availableMemory: Int?) -> Plan {
        let exact = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, NumberFormat.fp32) })
        return plan(
            .plainCPU, policy: PrecisionPolicy(formats: exact), width: settings.width, height: settings.height,
            budget: MemoryBudget(device: nil, host: availableMemory))
    }
}

/// SDXL's stages as verification drives them.
struct VerifiableSDXL: VerifiableModel {
    private let checkpoint: SDXLCheckpoint
    private let tokens: SDXLTextStage.Tokens
    private var models: SDXLModels

    init(_ checkpoint: SDXLCheckpoint, _ tokens: SDXLTextStage.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        models = SDXLModels(checkpoint, plan)
    }

    var plan: Plan { models.plan }

    private var device: Device { Placement(plan[.denoiser], observer: nil).computeDevice }

    func order(_ request: Request) throws -> SDXLRequest {
        try SDXLRequest(request, checkpoint, tokens, plan, squareRoots: .libtorch)
    }

    mutating func read(_ order: SDXLRequest) throws -> TextReading<UNet.Conditioning> {
        let encoded = try order.read(models.textStage())
        // The last one is the prompt; a negative prompt of zeros was not read.
        let read = order.negative == nil ? encoded.suffix(1) : encoded[...]
        let width = checkpoint.textEncoder.configuration.width
        var said: [Stage: [(name: String, values: [Float])]] = [:]
        for (index, prompt) in read.enumerated() {
            let kind = index == read.count - 1 ? "" : "negative "
            let (states, total) = (prompt.hiddenStates, prompt.hiddenStates.shape[2])
            let first = try states.narrowed(2, from: 0, length: width).floats()
            let second = try states.narrowed(2, from: width, length: total - width).floats()
            said[.textEncoder, default: []].append((kind + "hidden states", first))
            said[.textEncoder2, default: []].append((kind + "hidden states", second))
            said[.textEncoder2, default: []].append((kind + "pooled", try prompt.pooled.floats()))
        }
        return TextReading(said: said, conditioning: try order.conditioning(encoded))
    }

    func startLoop(_ order: SDXLRequest, seed: UInt64) throws -> DenoisingLoop {
        try order.startLoop(checkpoint, seed: seed, nil, on: device)
    }

    mutating func predictor(_ conditioning: UNet.Conditioning) throws -> (Tensor, Double) throws -> Tensor {
        let unet = try models.denoiser()
        let device = device
        let conditioning = UNet.Conditioning(
            prompt: try conditioning.prompt.to(device), pooled: try conditioning.pooled.to(device),
            sizes: conditioning.sizes)
        let embedding = try unet.microConditioning(conditioning)
        return { input, timestep in
            try unet(input.to(device), timestep: timestep, conditioning, microConditioning: embedding)
        }
    }

    mutating func decode(_ latents: Tensor) throws -> DecodedPlanes {
        let stage = try models.pictureStage()
        let device = Placement(plan[.decode], observer: nil).computeDevice
        let planes = try stage.planes(latents.to(device)) { _, _ in }
        return DecodedPlanes(
            planes: planes, width: latents.shape[3] * checkpoint.factor,
            height: latents.shape[2] * checkpoint.factor)
    }

    func encode(_ picture: Picture) throws -> [(name: String, values: [Float])] {
        let moments = try models.sourceStage().encode(SourcePicture(picture)) { _, _ in }
        return [
            ("mean", try moments.mean.floats()), ("logarithm of the variance", try moments.logVariance.floats()),
        ]
    }

    mutating func release(_ stage: Stage) { models.release(stage) }
}

extension SDXLRequest: VerifiableOrder {}
