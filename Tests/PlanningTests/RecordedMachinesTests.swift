import Planning
import Testing

/// What is planned on machines that were measured once, each uncapped and with libtorch's kernels capped to older
/// instruction sets. `InstructionSetTests` measures the machine that it runs on.
struct RecordedMachinesTests {
    /// Times relative to float32's, of a linear layer, of a convolution and of attention.
    struct Ratios: Sendable {
        let linear: Double
        let convolution: Double
        let attention: Double

        init(_ linear: Double, _ convolution: Double, _ attention: Double) {
            self.linear = linear
            self.convolution = convolution
            self.attention = attention
        }
    }

    struct Machine: Sendable, CustomTestStringConvertible {
        let name: String
        let bf16: Ratios
        let fp16: Ratios
        let denoiser: NumberFormat
        var testDescription: String { name }
    }

    /// Zen 4 with AVX512_BF16, one thread, uncapped at the slow end of what was seen; then an Emerald Rapids whose virtual
    /// machine hides AMX and shows AVX512_BF16 and AVX512_FP16.
    static let machines = [
        Machine(
            name: "Zen 4", bf16: Ratios(0.57, 0.50, 1.1), fp16: Ratios(6, 161, 2.2), denoiser: .bf16),
        Machine(
            name: "Zen 4 at AVX-512 without bfloat16", bf16: Ratios(1.8, 2.5, 1.3), fp16: Ratios(4, 92, 5.5),
            denoiser: .fp32),
        Machine(
            name: "Zen 4 at AVX2", bf16: Ratios(4.5, 80, 1.0), fp16: Ratios(4.4, 88, 2.9), denoiser: .fp32),
        Machine(name: "Zen 4 at SSE", bf16: Ratios(18, 33, 1.1), fp16: Ratios(45, 54, 1.5), denoiser: .fp32),
        Machine(
            name: "Emerald Rapids without AMX", bf16: Ratios(1.57, 1.75, 1.7), fp16: Ratios(0.91, 1.75, 1.07),
            denoiser: .fp32),
        Machine(
            name: "Emerald Rapids at AVX-512 without bfloat16", bf16: Ratios(5.0, 5.0, 1.6),
            fp16: Ratios(11, 15, 1.1), denoiser: .fp32),
        Machine(
            name: "Emerald Rapids at AVX2", bf16: Ratios(10, 15, 1.7), fp16: Ratios(11, 16, 1.2),
            denoiser: .fp32),
        Machine(
            name: "Emerald Rapids at SSE", bf16: Ratios(18, 14, 1.3), fp16: Ratios(58, 25, 1.1),
            denoiser: .fp32),
    ]

    @Test(arguments: machines)
    func `SDXL's denoiser is computed in bfloat16 where the machine is faster so, and nowhere else`(
        machine: Machine
    ) throws {
        var measurements: [OpMeasurement] = []
        for (format, ratios) in [(NumberFormat.bf16, machine.bf16), (.fp16, machine.fp16)] {
            for operation in ProbedOperation.allCases {
                let ratio =
                    switch operation {
                    case .linear: ratios.linear
                    case .convolution: ratios.convolution
                    case .attention: ratios.attention
                    default: 1.0
                    }
                measurements.append(
                    OpMeasurement(
                        operation: operation, format: format, shape: "", error: format.roundingError,
                        errorLimit: 1.3 * format.roundingError, timeRatio: ratio))
            }
        }
        let device = DeviceFacts(
            device: "cpu", kind: .cpu, name: machine.name,
            profile: DeviceProfile(
                fingerprint: machine.name, measurements: measurements, rangeChecks: [], seconds: 1))
        let plan = Planner.plan(
            device: device, model: PlannerTests.sdxl, request: RequestFacts(width: 1024, height: 1024))
        #expect(plan[.denoiser].compute == machine.denoiser, "\(plan[.denoiser])")
        for stage in [Stage.textEncoder, .textEncoder2, .encode] { #expect(plan[stage].compute == .fp32) }
    }
}
