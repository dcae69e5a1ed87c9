import Planning
import Testing

struct PrecisionPolicyTests {
    @Test func `one format goes to every stage`() throws {
        let policy = try PrecisionPolicy(parsing: "bf16")
        #expect(Stage.allCases.allSatisfy { policy.formats[$0] == .bf16 })
        #expect(try PrecisionPolicy(parsing: "auto") == .auto)
    }

    @Test func `stages are named one by one, and the later part wins`() throws {
        let policy = try PrecisionPolicy(parsing: "fp32,unet=float16,vae=bf16,vae.encode=fp32")
        #expect(policy.formats == [.text: .fp32, .denoiser: .fp16, .encode: .fp32, .decode: .bf16])
    }

    @Test(arguments: ["", "fp8", "unet=", "=fp32", "unet=bf16,", "lungs=fp32", "unet=a=fp32", "FP 32"])
    func `anything else is refused with the spellings that exist`(text: String) {
        #expect {
            try PrecisionPolicy(parsing: text)
        } throws: { error in
            "\(error)".contains("unet=bf16,vae.decode=fp32")
        }
    }
}

struct PlanTests {
    @Test func `a CPU computes in float32 whatever the file holds, big weights are cast on use`() {
        let plan = Plan(
            device: "cpu", parameters: [.denoiser: 2_567_463_684, .decode: 83_653_863], policy: .auto)
        #expect(plan[.denoiser].compute == .fp32)
        #expect(plan[.denoiser].storage == nil)
        #expect(plan[.decode].storage == .fp32)
    }

    @Test func `what was asked for wins on every device`() throws {
        let policy = try PrecisionPolicy(parsing: "unet=bf16")
        for device in ["cpu", "cuda:0"] {
            let plan = Plan(device: device, parameters: [:], policy: policy)
            #expect(plan[.denoiser].compute == .bf16)
            #expect(plan[.denoiser].reason == "asked for")
            #expect(plan[.decode].compute == .fp32)
        }
    }
}
