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
        #expect(
            policy.formats == [
                .textEncoder: .fp32, .textEncoder2: .fp32, .denoiser: .fp16, .encode: .fp32, .decode: .bf16,
            ])
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
