import Foundation
import Layers
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

@testable import CLI

/// One machine as four: libtorch's kernels are capped to older instruction sets, each in a process of its own, and the
/// plan for SDXL follows what is measured there.
@Suite(.serialized) struct InstructionSetTests {
    struct Cap: Sendable, CustomTestStringConvertible {
        let name: String
        let variables: [String: String]
        var testDescription: String { name }
    }

    static let caps = [
        Cap(name: "uncapped", variables: [:]),
        Cap(
            name: "AVX-512 without bfloat16",
            variables: ["ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "ATEN_CPU_CAPABILITY": "avx512"]),
        Cap(name: "AVX2", variables: ["ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"]),
        Cap(name: "SSE", variables: ["ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"]),
    ]

    /// What `gesso precision probe --json` prints.
    private struct Printed: Decodable {
        let schema: Int
        let id: String
        let seconds: Double
        let measurements: [OpMeasurement]
        let rangeChecks: [RangeCheck]
    }

    /// Measures in a process of its own.
    private func probe(_ cap: Cap) throws -> DeviceProfile {
        var environment = ProcessInfo.processInfo.environment
        for name in DeviceFingerprint.settings { environment[name] = nil }
        environment.merge(cap.variables) { $1 }
        let (status, output) = try Program.run(
            ["precision", "probe", "--quick", "--json"], environment: environment)
        try #require(status == 0, "\(String(decoding: output, as: UTF8.self))")
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let printed = try decoder.decode(Printed.self, from: output)
        #expect(printed.schema == ProbeReport.schema)
        return DeviceProfile(
            fingerprint: printed.id, measurements: printed.measurements, rangeChecks: printed.rangeChecks,
            seconds: printed.seconds)
    }

    /// What the UNet should be computed in without a cap; nil where the flags do not say.
    static func expected(_ processor: HostProcessor) -> Set<NumberFormat>? {
        let flags = processor.flags
        if flags.contains("amx_fp16") { return [.bf16, .fp16] }
        let isFast =
            flags.contains("amx_bf16")
            || flags.contains("avx512_bf16") && processor.vendor == "AuthenticAMD"
        if isFast { return [.bf16] }
        let mayBeFast = ["avx512_bf16", "avx512_fp16", "bf16", "asimdhp"].contains(where: flags.contains)
        return mayBeFast ? nil : [.fp32]
    }

    @Test func `the plan for SDXL follows the instruction set, by measurement`() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try SparseCheckpoint.write(SparseCheckpoint.keys("sdxl-base"), to: folder + "/sdxl.safetensors")
        let checkpoint = try SDXLCheckpoint.open(ModelPaths(model: folder + "/sdxl.safetensors"))
        let processor = HostProcessor.current

        var fingerprints: Set<String> = []
        for cap in Self.caps {
            let profile = try probe(cap)
            let device = DeviceFacts(device: "cpu", kind: .cpu, name: "CPU", profile: profile)
            let plan = checkpoint.plan(device, policy: .auto)
            let compute = plan[.denoiser].compute
            let ratios = [ProbedOperation.linear, .convolution, .attention].map { operation in
                let ratio = profile.timeRatio(of: operation, .bf16)
                return "\(operation.rawValue) \(ratio.map(\.timesText) ?? "-")"
            }
            print(
                "\(cap.name): UNet in \(compute.rawValue), \(plan[.denoiser].reason); bf16 "
                    + ratios.joined(separator: ", ") + String(format: "; %.1f s", profile.seconds))

            let expected = cap.variables.isEmpty ? Self.expected(processor) : [.fp32]
            if let expected { #expect(expected.contains(compute), "\(cap.name): \(plan[.denoiser])") }
            // Rejected for its time, not for want of a measurement.
            if compute == .fp32 {
                let reasons = plan[.denoiser].rejected.filter { $0.format == .bf16 }.map(\.reason)
                #expect(
                    reasons.allSatisfy { $0.hasSuffix("of fp32's time") } && !reasons.isEmpty, "\(reasons)")
            }
            #expect(profile.measurements.filter { $0.verdict == .wrong } == [])
            fingerprints.insert(profile.fingerprint)
        }
        // Each is another machine to whoever remembers.
        #expect(fingerprints.count == Self.caps.count)
        print("this processor: \(processor.name ?? "unknown"), \(processor.features.joined(separator: " "))")
    }

    @Test(
        arguments: [
            ("AuthenticAMD", "avx512f avx512_bf16", [.bf16]),
            ("GenuineIntel", "avx512f amx_tile amx_bf16", [.bf16]),
            ("GenuineIntel", "avx512f", [.fp32]), ("AuthenticAMD", "avx2", [.fp32]),
            ("GenuineIntel", "avx512f avx512_bf16", nil),
            ("GenuineIntel", "amx_bf16 amx_fp16", [.bf16, .fp16]),
        ] as [(String, String, Set<NumberFormat>?)])
    func `what a processor is expected to be fast in`(
        vendor: String, flags: String, formats: Set<NumberFormat>?
    ) {
        let processor = HostProcessor(cpuinfo: "vendor_id\t: \(vendor)\nflags\t\t: fpu \(flags)\n")
        #expect(Self.expected(processor) == formats)
    }
}
