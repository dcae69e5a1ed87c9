import Planning
import Testing

/// Which formats are chosen on which hardware, and why.
struct PlannerTests {
    /// SDXL at its real size, its weights in float16.
    static let sdxl = ModelFacts(
        family: "sdxl",
        stages: [
            .textEncoder: facts(123_060_480, [.linear: 0.9, .attention: 0.1]),
            .textEncoder2: facts(694_659_840, [.linear: 0.9, .attention: 0.1]),
            .denoiser: facts(
                2_567_463_684, [.linear: 0.45, .convolution: 0.35, .attention: 0.15, .groupNorm: 0.05]),
            .encode: facts(34_163_592, [.convolution: 0.95, .groupNorm: 0.05]),
            .decode: facts(49_490_199, [.convolution: 0.95, .groupNorm: 0.05]),
        ])

    private static func facts(_ parameters: Int, _ work: [ProbedOperation: Double]) -> StageFacts {
        StageFacts(parameters: parameters, fileBytes: parameters * 2, declared: .fp16, work: work)
    }

    /// A device whose kernels all work, with one time ratio for each 16-bit format.
    static func device(
        _ kind: DeviceFacts.Kind = .cpu, capability: Int? = nil, fp16: Double, bf16: Double
    ) -> DeviceFacts {
        var measurements: [OpMeasurement] = []
        for operation in ProbedOperation.allCases {
            for (format, ratio) in [(NumberFormat.fp32, 1), (.fp16, fp16), (.bf16, bf16)] {
                measurements.append(
                    OpMeasurement(
                        operation: operation, format: format, shape: "1024x1280", error: format.roundingError,
                        errorLimit: 1.3 * format.roundingError, timeRatio: ratio))
            }
        }
        return DeviceFacts(
            device: kind == .cpu ? "cpu" : "cuda:0", kind: kind, capability: capability, name: "a device",
            profile: DeviceProfile(
                fingerprint: "test", measurements: measurements, rangeChecks: [], seconds: 1))
    }

    private static func plan(_ device: DeviceFacts, _ policy: String = "auto", _ model: ModelFacts = sdxl)
        throws -> Plan
    {
        Planner.plan(
            device: device, model: model, request: RequestFacts(width: 1024, height: 1024),
            policy: try PrecisionPolicy(parsing: policy))
    }

    @Test(arguments: [(0.37, NumberFormat.bf16), (0.94, .bf16), (0.97, .fp32), (1.8, .fp32), (18, .fp32)])
    func `a CPU computes the denoiser in bfloat16 exactly where that was timed faster`(
        ratio: Double, format: NumberFormat
    ) throws {
        let plan = try Self.plan(Self.device(fp16: 4.4, bf16: ratio))
        #expect(plan[.denoiser].compute == format)
        // A fast format changes nothing for what runs once and whose error enters every step.
        for stage in [Stage.textEncoder, .textEncoder2, .encode] { #expect(plan[stage].compute == .fp32) }
        #expect(plan[.denoiser].residual == .fp32)
        #expect(plan[.denoiser].rejected.contains { $0.format == .fp16 && $0.reason.contains("4.4x") })
    }

    @Test func `a CPU that was not measured computes in float32`() throws {
        let plan = try Self.plan(.plainCPU)
        #expect(plan.stages.values.allSatisfy { $0.compute == .fp32 })
        #expect(plan[.denoiser].storage == nil && plan[.denoiser].residency == .mapped)
    }

    @Test func `the denoiser in bfloat16 keeps all weights in under 55 percent of float32's bytes`() throws {
        let plan = try Self.plan(Self.device(fp16: 4, bf16: 0.4))
        #expect(Double(plan.weightBytes) <= 0.55 * Double(plan.allFP32Bytes))
    }

    @Test(arguments: [
        (61, NumberFormat.fp32, NumberFormat.fp32), (70, .fp16, .fp32), (75, .fp16, .fp32),
        (80, .fp16, .bf16),
        (90, .fp16, .bf16),
    ])
    func `a card that was not measured follows the published rules`(
        capability: Int, denoiser: NumberFormat, decode: NumberFormat
    ) throws {
        let card = DeviceFacts(device: "cuda:0", kind: .cuda, capability: capability, name: "a card")
        let plan = try Self.plan(card)
        #expect(plan[.denoiser].compute == denoiser)
        #expect(plan[.decode].compute == decode)
        #expect(plan[.encode].compute == .fp32)
    }

    @Test func `a card known for NaN in float16 convolutions never computes in float16`() throws {
        let card = DeviceFacts(
            device: "cuda:0", kind: .cuda, capability: 75, name: "NVIDIA GeForce GTX 1660 Ti")
        #expect(try Self.plan(card)[.denoiser].compute == .fp32)
    }

    @Test func `FLUX takes bfloat16 where SDXL takes float16, at the same speed`() throws {
        let card = Self.device(.cuda, capability: 86, fp16: 0.3, bf16: 0.3)
        var flux = Self.sdxl
        flux.family = "flux"
        #expect(try Self.plan(card)[.denoiser].compute == .fp16)
        #expect(try Self.plan(card, "auto", flux)[.denoiser].compute == .bf16)
    }

    @Test func `the old rule of one model in float32 is one line`() throws {
        let plan = try Self.plan(Self.device(fp16: 0.2, bf16: 0.2), "fp32")
        #expect(plan.stages.values.allSatisfy { $0.compute == .fp32 && $0.reason == "asked for" })
    }

    @Test func `quality refuses bfloat16's error where float16 is not faster`() throws {
        let device = Self.device(fp16: 2, bf16: 0.4)
        #expect(try Self.plan(device)[.denoiser].compute == .bf16)
        #expect(try Self.plan(device, "quality")[.denoiser].compute == .fp32)
        #expect(try Self.plan(Self.device(fp16: 0.5, bf16: 0.4), "quality")[.denoiser].compute == .fp16)
    }

    @Test func `too little memory changes how weights are kept, and the notes say so`() throws {
        let device = Self.device(fp16: 4, bf16: 0.4)
        func plan(_ bytes: Int) -> Plan {
            Planner.plan(
                device: device, model: Self.sdxl, request: RequestFacts(width: 1024, height: 1024),
                budget: MemoryBudget(device: bytes, host: bytes))
        }
        let rich = plan(32 << 30)
        #expect(rich[.denoiser].residency == .copied && rich[.denoiser].storage == .bf16)
        let poor = plan(2 << 30)
        #expect(poor[.denoiser].residency == .paged && poor[.denoiser].compute == .bf16)
        #expect(poor.notes.contains { $0.contains("block by block") })
        #expect(rich.id != poor.id)
    }

    @Test func `broken weights that are used are a problem, unused ones a note`() throws {
        var model = Self.sdxl
        model.stages[.denoiser]?.nonFinite = ["conv_in.weight"]
        model.stages[.textEncoder]?.deadNonFinite = ["encoder.layers.11.mlp.fc1.weight"]
        let plan = try Self.plan(.plainCPU, "auto", model)
        #expect(plan.problems.count == 1 && plan.problems[0].contains("conv_in.weight"))
        #expect(plan.hasBrokenWeights)
        #expect(plan.notes.contains { $0.contains("never used") && $0.contains("layers.11") })
    }

    @Test
    func `a weight that float16 cannot hold means a wider format, or a refusal where float16 was asked for`()
        throws
    {
        var model = Self.sdxl
        model.stages[.denoiser]?.largestWeight = 80_000
        model.stages[.denoiser]?.largestKey = "mid_block.attentions.0.proj_in.weight"
        for (capability, format) in [(86, NumberFormat.bf16), (70, .fp32)] {
            let card = Self.device(.cuda, capability: capability, fp16: 0.3, bf16: 0.4)
            #expect(try Self.plan(card)[.denoiser].compute == .fp16)
            let plan = try Self.plan(card, "auto", model)
            #expect(plan[.denoiser].compute == format && plan.problems.isEmpty)
            #expect(
                plan[.denoiser].rejected.contains {
                    $0.format == .fp16
                        && $0.reason.hasPrefix("mid_block.attentions.0.proj_in.weight reaches 8.0e4")
                })
            let asked = try Self.plan(card, "unet=fp16", model)
            #expect(asked.problems.count == 1 && !asked.hasBrokenWeights)
            #expect(asked.problems[0].contains("mid_block.attentions.0.proj_in.weight reaches 8.0e4"))
            #expect(try Self.plan(card, "unet=bf16", model).problems.isEmpty)
        }
    }

    @Test func `weights are read where that can change a format, and nowhere else`() throws {
        var model = Self.sdxl
        let card = Self.device(.cuda, capability: 86, fp16: 0.3, bf16: 0.4)
        func unread(_ device: DeviceFacts, _ policy: String = "auto") throws -> Set<Stage> {
            Planner.unread(try Self.plan(device, policy, model), model)
        }
        // What is kept in float16 fits float16.
        #expect(try unread(card) == [])
        for stage in Stage.allCases { model.stages[stage]?.mayExceedFP16 = true }
        #expect(try unread(card) == [.denoiser])
        #expect(try unread(.plainCPU) == [])
        #expect(try unread(.plainCPU, "vae=fp16") == [.encode, .decode])
        let known = ModelKnowledge(weights: [.denoiser: .init(largest: 3, largestKey: "conv_in.weight")])
        model = model.knowing(known)
        #expect(try unread(card) == [])
    }

    @Test func `what was found out becomes facts of its stage`() {
        let known = ModelKnowledge(
            weights: [.decode: .init(largest: 7, largestKey: "a", nonFinite: ["b"])],
            dead: [.textEncoder: ["c"]], ranges: [.denoiser: ["d": 2]])
        let facts = Self.sdxl.knowing(known).stages
        #expect(facts[.decode]?.largestWeight == 7 && facts[.decode]?.largestKey == "a")
        #expect(facts[.decode]?.nonFinite == ["b"] && facts[.encode]?.nonFinite == [])
        #expect(facts[.textEncoder]?.deadNonFinite == ["c"] && facts[.textEncoder]?.largestWeight == nil)
        #expect(facts[.denoiser]?.range == ["d": 2] && facts[.decode]?.range == nil)
    }

    @Test func `what a traced run reached decides on float16`() throws {
        func format(_ largest: Double, native: Bool = true) throws -> StagePlan {
            var model = Self.sdxl
            model.stages[.denoiser]?.range = ["up_blocks.0.conv": largest, "conv_in": 3]
            let device = Self.device(.cuda, capability: native ? 86 : 70, fp16: 0.3, bf16: native ? 0.3 : 0.9)
            return try Self.plan(device, "auto", model)[.denoiser]
        }
        let roomy = try format(800)
        #expect(roomy.compute == .fp16 && roomy.sites.isEmpty)
        let close = try format(20_000)
        #expect(close.compute == .fp16 && close.sites.map(\.path) == ["up_blocks.0.conv"])
        #expect(try format(370_000).compute == .bf16)
        let scaled = try format(370_000, native: false)
        #expect(scaled.compute == .fp16 && scaled.sites.map(\.scale) == [0x1p-6])
    }

    @Test func `what was learned widens a plan and never narrows it`() throws {
        let device = Self.device(fp16: 4, bf16: 0.4)
        func plan(_ changes: Promotion.Change...) -> StagePlan {
            Planner.plan(
                device: device, model: Self.sdxl, request: RequestFacts(width: 1024, height: 1024),
                learned: changes.map { Promotion(.denoiser, $0, evidence: "step 3") })[.denoiser]
        }
        let site = SitePlan(path: "mid_block", compute: .fp32)
        #expect(plan(.site(site)).sites == [site])
        #expect(plan(.compute(.fp32)).compute == .fp32)
        #expect(plan(.compute(.fp32), .compute(.bf16)).compute == .fp32)
        #expect(plan(.compute(.fp32)).reason.contains("step 3"))
    }

    @Test func `where a format was asked for and an earlier run needed a wider one, a note says so`() throws {
        func plan(_ policy: String, _ learned: [Promotion]) throws -> Plan {
            Planner.plan(
                device: Self.device(fp16: 4, bf16: 4), model: Self.sdxl,
                request: RequestFacts(width: 1024, height: 1024),
                policy: try PrecisionPolicy(parsing: policy), learned: learned)
        }
        let asked = "vae.decode computes in fp16 as asked"
        #expect(try plan("vae.decode=fp16", []).notes.contains { $0.hasPrefix(asked) })
        let learned = [Promotion(.decode, .compute(.fp32), evidence: "tile 1 of 1: not finite")]
        let widened = try plan("vae.decode=fp16", learned)
        #expect(widened[.decode].compute == .fp32)
        #expect(!widened.notes.contains { $0.hasPrefix(asked) })
        let said = widened.notes.filter { $0.contains("not in fp16 as asked") }
        #expect(
            said.count == 1 && said[0].contains("tile 1 of 1") && said[0].contains("gesso precision forget"))
        // A run that finds out says the same of itself.
        var running = try plan("vae.decode=fp16", [])
        running.promote(.decode, learned[0])
        #expect(running.notes == widened.notes)
        // What was asked for is taken: nothing is to be said.
        #expect(try plan("vae.decode=fp32", learned).notes.isEmpty)
    }
}
