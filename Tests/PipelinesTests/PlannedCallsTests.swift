import Generation
import Layers
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

/// The bug that started all this was a half-precision module on the CPU. Here every call of a generation is compared with
/// the plan: where it ran, and in what.
struct PlannedCallsTests {
    /// Calls of these are decided by the plan. Everything else computes in float32 by rule, or moves numbers.
    private static let products: Set = [
        "aten::linear", "aten::conv2d", "aten::scaled_dot_product_attention",
    ]
    private static let norms: Set = ["aten::layer_norm", "aten::group_norm"]

    private static func calls(_ precision: String) async throws -> [CallRecorder.Call: Int] {
        var request = Request(prompt: "a red apple")
        request.steps = 2
        request.guidanceScale = 3
        request.seed = 1
        request.image = try await SourcePictures.apple()
        let pipeline = try RecoveryTests.pipeline(precision)
        CallRecorder.start()
        defer { _ = CallRecorder.stop() }
        _ = try await pipeline.run(request) { _ in }
        return CallRecorder.stop()
    }

    /// The account is the process's, so each run has a process of its own.
    @Test func `every call of a generation is in the plan's formats, and none in another`() async {
        await #expect(processExitsWith: .success) {
            let plans: [(String, Set<DType>)] = [
                ("fp32", [.float32]), ("unet=bf16,vae.decode=bf16", [.float32, .bfloat16]),
                ("unet=fp16", [.float32, .float16]), ("bf16", [.float32, .bfloat16]),
            ]
            for (precision, allowed) in plans {
                let calls = try await PlannedCallsTests.calls(precision)
                precondition(calls.count > 10)
                var seen: Set<DType> = []
                for call in calls.keys {
                    precondition(call.device == .cpu && call.inputDevices.isSubset(of: [.cpu]), "\(call)")
                    let floats = (call.inputs + call.outputs).filter { ![.int64, .bool].contains($0) }
                    // Weights come as the file has them: only casts and table rows see that.
                    if !call.isTransfer, call.operation != "aten::embedding" {
                        precondition(Set(floats).isSubset(of: allowed), "\(precision): \(call)")
                    }
                    if PlannedCallsTests.products.contains(call.operation) {
                        // Explicit casts: a product never mixes formats, and nothing is promoted behind its back.
                        precondition(Set(floats).count == 1, "\(precision): \(call)")
                        seen.formUnion(floats)
                    }
                    if PlannedCallsTests.norms.contains(call.operation) {
                        precondition(call.inputs.dropFirst().allSatisfy { $0 == .float32 }, "\(call)")
                    }
                }
                precondition(seen == allowed, "\(precision): products ran in \(seen)")
            }
        }
    }

    /// What is always float32 stays so in the narrowest plan.
    @Test func `schedules, sinusoids, guidance and the solver are float32 in every plan`() async {
        await #expect(processExitsWith: .success) {
            let calls = try await PlannedCallsTests.calls("bf16")
            for operation in ["aten::sin", "aten::cos", "aten::exp", "aten::std", "aten::aminmax"] {
                let types = Set(calls.keys.filter { $0.operation == operation }.flatMap(\.inputs))
                // A check looks at numbers as they are; everything else computes in float32.
                let expected: Set<DType> = operation == "aten::aminmax" ? [.float32, .bfloat16] : [.float32]
                precondition(types.isSubset(of: expected) && !types.isEmpty, "\(operation): \(types)")
            }
        }
    }

    /// The same generation twice casts the same number of times: no cast hangs on chance or on what ran before.
    @Test func `the number of casts is the same in every run`() async {
        await #expect(processExitsWith: .success) {
            func casts() async throws -> Int {
                try await PlannedCallsTests.calls("unet=bf16").filter { $0.key.isTransfer }.values.reduce(
                    0, +)
            }
            let first = try await casts()
            let second = try await casts()
            precondition(first == second && first > 100, "\(first) and \(second) casts")
        }
    }

    /// Weights on one device, operators on another: the arrangement in which the old system computed half precision on a
    /// CPU. The other device here holds shapes alone, and refuses to mix as a card does.
    @Test(arguments: [DType.float32, .float16, .bfloat16])
    func `with weights on another device nothing is computed where they are kept`(compute: DType) async {
        await #expect(processExitsWith: .success) { [code = compute.rawValue as Int32] in
            guard let compute = DType(rawValue: code) else { preconditionFailure("no type \(code)") }
            let checkpoint = try SDXLCheckpoint.open(Fixture.path("../Checkpoints/starter-sdxl"))
            try await onCPU {
                let placement = Placement(
                    storageDevice: .cpu, computeDevice: .meta, storage: nil, compute: compute,
                    residual: .float32)
                func scope(_ weights: ComponentWeights) -> WeightScope {
                    WeightScope(weights, placement: placement)
                }
                let text = try CLIPTextModel(
                    scope(checkpoint.textEncoder2.weights), checkpoint.textEncoder2.configuration,
                    layerCount: checkpoint.textEncoder2.configuration.layers)
                let unet = try UNet(scope(checkpoint.unet.weights), checkpoint.unet.configuration)
                let decoder = try VAEDecoder(scope(checkpoint.vae.weights), checkpoint.vae.configuration)
                CallRecorder.start()
                let encoded = try text([Array(repeating: 1, count: 77)], skippedLayers: 1)
                precondition(encoded.hiddenStates.device == .meta)
                let width = checkpoint.unet.configuration.crossAttentionDim
                let conditioning = UNet.Conditioning(
                    prompt: try Tensor.shaped([1, 77, width], .float32),
                    pooled: try Tensor([Float](repeating: 0, count: 96), shape: [1, 96]),
                    sizes: [[128, 128, 0, 0, 128, 128]])
                let latents = try Tensor.shaped([1, 4, 16, 16], .float32)
                let prediction = try unet(
                    latents, timestep: 500, conditioning,
                    microConditioning: unet.microConditioning(conditioning))
                precondition(prediction.shape == [1, 4, 16, 16] && prediction.device == .meta)
                let pixels = try decoder(latents)
                precondition(pixels.shape == [1, 3, 128, 128])
                let calls = CallRecorder.stop()
                var products = 0
                for (call, count) in calls {
                    // Only moving, table rows and the sinusoids, always float32 on the host, happen elsewhere.
                    if call.device == .cpu {
                        precondition(
                            call.isTransfer || call.operation == "aten::embedding"
                                || (call.inputs + call.outputs).allSatisfy { $0 == .float32 || $0 == .int64 },
                            "\(call)")
                        precondition(!PlannedCallsTests.products.contains(call.operation), "\(call)")
                        precondition(!PlannedCallsTests.norms.contains(call.operation), "\(call)")
                    } else if !call.isTransfer {
                        precondition(call.inputDevices == [.meta], "\(call)")
                    }
                    if PlannedCallsTests.products.contains(call.operation) {
                        products += count
                        precondition(Set(call.inputs).count == 1, "\(call)")
                    }
                }
                precondition(products > 100)
            }
        }
    }
}
