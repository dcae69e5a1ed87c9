import Foundation
import Pipelines
import Planning
import Testing

@testable import CLI

/// Reports as people read them, of machines and models that are not these.
struct ReportTests {
    private var fingerprint: DeviceFingerprint {
        get throws {
            let json = #"""
                {"device": "cuda:0", "kind": "cuda", "name": "Some Card", "capability": 86, "cuda": "12080/12060",
                 "libtorch": "2.13", "features": ["avx2"], "threads": 8,
                 "environment": {"NVIDIA_TF32_OVERRIDE": "0"}, "probe": 1, "plan": 1}
                """#
            return try JSONDecoder().decode(DeviceFingerprint.self, from: Data(json.utf8))
        }
    }

    @Test func `a probe is a table, checks and facts`() throws {
        let fingerprint = try fingerprint
        let profile = DeviceProfile(
            fingerprint: fingerprint.id,
            measurements: [
                OpMeasurement(
                    operation: .linear, format: .fp32, shape: "4x4 to 4", error: 2.4e-7, errorLimit: 1.3e-6,
                    timeRatio: nil),
                OpMeasurement(
                    operation: .linear, format: .bf16, layout: .channelsLast, shape: "4x4 to 4",
                    error: 1.66e-3,
                    errorLimit: 2.16e-3, timeRatio: 0.37, noise: 0.021),
                OpMeasurement(
                    operation: .groupNorm, format: .fp16, shape: "8", error: .nan, errorLimit: 2.7e-4,
                    timeRatio: 0.5),
                OpMeasurement(
                    operation: .rmsNorm, format: .fp16, shape: "8", error: nil, errorLimit: 2.7e-4,
                    timeRatio: nil,
                    message: "aten::rms_norm: not implemented"),
            ],
            rangeChecks: [
                RangeCheck(name: "a norm", format: .fp16, passed: false, detail: "not finite"),
                RangeCheck(name: "a norm", format: .bf16, passed: true, detail: "error 1.7e-3"),
            ],
            facts: [FormatFact(name: "500 after a cast", format: "fp8-e4m3", detail: "448")], seconds: 1.26)
        let report = ProbeReport(fingerprint, profile, isRemembered: true)
        #expect(
            report.text == """
                cuda:0: Some Card, libtorch 2.13, 8 threads, capability 8.6, NVIDIA_TF32_OVERRIDE=0

                operator    format  layout         shape      error   limit   time  noise  verdict
                linear      fp32                   4x4 to 4  2.4e-7  1.3e-6                ok
                linear      bf16    channels_last  4x4 to 4  1.7e-3  2.2e-3  0.37x    2 %  ok
                group_norm  fp16                   8            nan  2.7e-4   0.5x         wrong
                rms_norm    fp16                   8              -  2.7e-4                missing
                rms_norm fp16: aten::rms_norm: not implemented

                FAILED  fp16  a norm: not finite
                ok      bf16  a norm: error 1.7e-3

                fp8-e4m3: 500 after a cast: 448

                fingerprint \(fingerprint.id); remembered, had taken 1.3 s
                """)
        #expect(!report.text.contains("busy"))
        let json = try JSONText.line(report)
        #expect(json.contains(#""error":"nan","errorLimit""#))
        #expect(json.contains(#""verdict":"wrong""#))
        #expect(json.contains(#""schema":1"#))
    }

    @Test func `measurements of a busy machine say that they are`() throws {
        func report(_ noise: Double) throws -> String {
            let fingerprint = try fingerprint
            let measurement = OpMeasurement(
                operation: .linear, format: .bf16, shape: "", error: 1e-3, errorLimit: 2e-3, timeRatio: 1,
                noise: noise)
            return ProbeReport(
                fingerprint,
                DeviceProfile(
                    fingerprint: fingerprint.id, measurements: [measurement], rangeChecks: [], seconds: 1),
                isRemembered: false
            ).text
        }
        #expect(
            try report(0.7).hasSuffix(
                "repeated ratios lay 70 % apart; 'gesso precision probe --refresh' measures again"))
        #expect(try !report(0.4).contains("busy"))
    }

    @Test func `a plan is a table, and what else decides`() throws {
        let model = ModelFacts(
            family: "sdxl",
            stages: [
                .denoiser: StageFacts(
                    parameters: 2_600_000_000, fileBytes: 5_200_000_000, declared: .fp16, work: [.linear: 1]),
                .decode: StageFacts(
                    parameters: 50_000_000, fileBytes: 100_000_000, declared: nil, work: [.convolution: 1]),
            ])
        let request = RequestFacts(width: 1024, height: 768)
        let device = DeviceFacts(device: "cpu", kind: .cpu, name: "CPU")
        var plan = Planner.plan(
            device: device, model: model, request: request, budget: MemoryBudget(device: nil, host: 8 << 30))
        plan.problems = ["denoiser: something is broken"]
        let report = PlanReport(
            name: "some-model", model: model, request: request, plan: plan, fingerprint: try fingerprint,
            overrides: [.decode: .fp32])
        #expect(
            report.text == """
                plan \(plan.id)  some-model  1024x768
                cuda:0: Some Card, libtorch 2.13, 8 threads, capability 8.6, NVIDIA_TF32_OVERRIDE=0

                stage       store  compute  sums  device   MiB  why
                denoiser    fp16   fp32     fp32  cpu     4959  no 16-bit format passes
                vae.decode  fp32   fp32     fp32  cpu      190  no 16-bit format passes

                kept fp32: \(Plan.alwaysFP32.joined(separator: ", "))
                rejected: denoiser: fp16 (not measured, and slower than fp32 on most CPUs); bf16 (not measured, and slower than \
                fp32 on most CPUs)
                rejected: vae.decode: fp16 (autoencoders overflow fp16 unless a run has shown otherwise); bf16 (not measured, \
                and slower than fp32 on most CPUs)
                memory: 5.03 GiB of weights, 4.84 at the widest moment of 8.00 that are free; all weights in fp32 would be 9.87
                fixed: vae.decode=fp32
                note: cpu was not measured: stages that nobody named a format for follow the rules for unmeasured devices
                problem: denoiser: something is broken
                """)
    }
}
