import Planning
import Testing

/// When measuring is worth its seconds, and what planning does with what was measured.
struct MeasuringTests {
    private func model(_ parameters: Int, family: String = "sdxl") -> ModelFacts {
        ModelFacts(
            family: family,
            stages: [
                .denoiser: StageFacts(
                    parameters: parameters, fileBytes: parameters * 2, declared: .fp16, work: [.linear: 1])
            ])
    }

    private func measured(_ ratio: Double) -> DeviceFacts {
        let measurements = [NumberFormat.fp16, .bf16].map { format in
            OpMeasurement(
                operation: .linear, format: format, shape: "", error: format.roundingError,
                errorLimit: format.roundingError * 1.3, timeRatio: ratio)
        }
        return DeviceFacts(
            device: "cpu", kind: .cpu, name: "CPU",
            profile: DeviceProfile(fingerprint: "f", measurements: measurements, rangeChecks: [], seconds: 1))
    }

    private func plan(_ device: DeviceFacts, _ model: ModelFacts, _ policy: PrecisionPolicy = .auto) -> Plan {
        Planner.plan(
            device: device, model: model, request: RequestFacts(width: 1024, height: 1024), policy: policy)
    }

    @Test func `a small stage is computed in float32 however fast 16 bits are`() {
        let small = plan(measured(0.3), model(19_999_999))[.denoiser]
        #expect(small.compute == .fp32)
        #expect(small.reason == "small: casts cost more than they save")
        #expect(plan(measured(0.3), model(20_000_000))[.denoiser].compute == .fp16)
    }

    @Test func `a small stage takes the format that somebody named`() throws {
        let policy = try PrecisionPolicy(parsing: "unet=bf16")
        #expect(plan(measured(0.3), model(1000), policy)[.denoiser].compute == .bf16)
    }

    @Test(
        arguments: [
            (20_000_000, "auto", true), (19_999_999, "auto", false), (20_000_000, "unet=fp32", false),
            (20_000_000, "vae=fp32", true), (2_600_000_000, "memory", true), (2_600_000_000, "fp32", false),
        ])
    func `measuring matters for large stages whose format is open`(
        parameters: Int, policy: String, expected: Bool
    ) throws {
        let policy = try PrecisionPolicy(parsing: policy)
        #expect(Planner.dependsOnMeasuring(model(parameters), policy) == expected)
    }

    @Test func `stages that are always exact need no measuring`() {
        let text = StageFacts(parameters: 700_000_000, fileBytes: 0, declared: .fp16, work: [:])
        let sdxl = ModelFacts(family: "sdxl", stages: [.textEncoder2: text, .encode: text])
        #expect(!Planner.dependsOnMeasuring(sdxl, .auto))
        #expect(Planner.dependsOnMeasuring(ModelFacts(family: "flux", stages: [.textEncoder2: text]), .auto))
    }

    @Test func `a plan that rests on nothing measured says so, where that matters`() {
        #expect(plan(.plainCPU, model(2_600_000_000)).notes.contains { $0.hasPrefix("cpu was not measured") })
        #expect(plan(.plainCPU, model(1000)).notes.isEmpty)
        #expect(plan(measured(2), model(2_600_000_000)).notes.isEmpty)
    }

    @Test func `each shape counts for as long as it takes`() throws {
        func measurement(_ ratio: Double, _ seconds: Double?, _ layout: OpMeasurement.Layout = .contiguous)
            -> OpMeasurement
        {
            OpMeasurement(
                operation: .linear, format: .bf16, layout: layout, shape: "", error: 1e-3, errorLimit: 2e-3,
                timeRatio: ratio, baselineSeconds: seconds)
        }
        func profile(_ measurements: OpMeasurement...) -> DeviceProfile {
            DeviceProfile(fingerprint: "", measurements: measurements, rangeChecks: [], seconds: 0)
        }
        let weighed = profile(
            measurement(0.4, 0.09), measurement(1.4, 0.01), measurement(9, 9, .channelsLast))
        #expect(abs(try #require(weighed.timeRatio(of: .linear, .bf16)) - 0.5) < 1e-12)
        #expect(profile(measurement(2, nil)).timeRatio(of: .linear, .bf16) == 2)
        #expect(weighed.timeRatio(of: .linear, .fp16) == nil)
        #expect(weighed.timeRatio(of: .convolution, .bf16) == nil)
    }

    @Test func `what the user names on the way counts more than what is kept`() throws {
        let policy = try PrecisionPolicy(parsing: "quality,unet=bf16")
            .completed(by: [.denoiser: .fp32, .decode: .fp32])
        #expect(policy.aim == .quality)
        #expect(policy.formats == [.denoiser: .bf16, .decode: .fp32])
    }

    @Test(
        arguments: [
            (0.00166, "1.7e-3"), (65504, "6.6e4"), (0, "0"), (-0.5, "-5.0e-1"), (.infinity, "inf"),
            (.nan, "nan"),
        ])
    func `figures are two digits and a power of ten`(number: Double, expected: String) {
        #expect(number.scientificText == expected)
    }
}
