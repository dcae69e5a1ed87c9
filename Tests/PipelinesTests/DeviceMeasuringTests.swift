import Foundation
import Generation
import Planning
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What is remembered of a device, and for how long.
struct DeviceMeasuringTests {
    private let folder = temporaryFolder()

    private func measuring(_ environment: [String: String] = [:]) async throws -> DeviceMeasuring {
        try await DeviceMeasuring(
            .cpu, environment: ["XDG_CACHE_HOME": folder].merging(environment) { _, given in given })
    }

    private var cache: ProbeCache { ProbeCache(folder: URL(fileURLWithPath: folder + "/gesso")) }

    /// Measurements that no machine has.
    private func made(_ fingerprint: DeviceFingerprint) -> DeviceProfile {
        DeviceProfile(
            fingerprint: fingerprint.id,
            measurements: [
                OpMeasurement(
                    operation: .castAndMultiply, format: .fp16, layout: .channelsLast, shape: "1x1",
                    error: .nan,
                    errorLimit: 1e-6, timeRatio: 0.25, noise: 0.5, baselineSeconds: 1e-3),
                OpMeasurement(
                    operation: .rmsNorm, format: .bf16, shape: "2", error: nil, errorLimit: 1, timeRatio: nil,
                    message: "not there"),
            ],
            rangeChecks: [RangeCheck(name: "n", format: .fp16, passed: false, detail: "d")],
            facts: [FormatFact(name: "a", format: "fp8-e4m3", detail: "448")], seconds: 2.5)
    }

    @Test func `measurements come back as they were kept, also an error that is no number`() async throws {
        let fingerprint = try await measuring().fingerprint
        let profile = made(fingerprint)
        cache.keep(profile, fingerprint)
        let found = try #require(cache.profile(fingerprint))
        #expect(found.measurements[0].error?.isNaN == true)
        #expect(found.measurements[0].verdict == .wrong)
        #expect(found.measurements[1] == profile.measurements[1])
        #expect(found.rangeChecks == profile.rangeChecks)
        #expect(found.facts == profile.facts)
        #expect(found.seconds == 2.5)
        // The file is whole or not there: nothing is left beside it.
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder + "/gesso/probes") == [
                fingerprint.id + ".json"
            ])
    }

    @Test func `what is remembered is used, and nothing is measured`() async throws {
        let measuring = try await measuring()
        cache.keep(made(measuring.fingerprint), measuring.fingerprint)
        for occasion in [DeviceMeasuring.Occasion.never, .unknown] {
            let facts = try await measuring.facts(measuring: occasion) {
                Issue.record("it is known and was measured")
            }
            #expect(facts.profile?.seconds == 2.5)
            #expect(facts.device == "cpu")
        }
    }

    @Test func `where nothing is remembered and nothing may be measured, nothing is known`() async throws {
        #expect(try await measuring().facts(measuring: .never).profile == nil)
    }

    @Test(arguments: ["", "{", "{}", "null", "{\"fingerprint\": {}, \"profile\": {}}"])
    func `a damaged file is no measurement`(text: String) async throws {
        let fingerprint = try await measuring().fingerprint
        cache.keep(made(fingerprint), fingerprint)
        let file = cache.file(fingerprint)
        try Data(text.utf8).write(to: file)
        #expect(cache.profile(fingerprint) == nil)
    }

    @Test func `every truncation of a file is no measurement`() async throws {
        let fingerprint = try await measuring().fingerprint
        cache.keep(made(fingerprint), fingerprint)
        let file = cache.file(fingerprint)
        let whole = try Data(contentsOf: file)
        for length in stride(from: 0, to: whole.count - 1, by: 7) {
            try whole.prefix(length).write(to: file)
            #expect(cache.profile(fingerprint) == nil, "\(length) bytes")
        }
    }

    @Test func `another setting is another fingerprint, and knows nothing of the first`() async throws {
        let plain = try await measuring().fingerprint
        let capped = try await measuring(["ONEDNN_MAX_CPU_ISA": "AVX2"]).fingerprint
        #expect(plain.id != capped.id)
        #expect(capped.environment == ["ONEDNN_MAX_CPU_ISA": "AVX2"])
        cache.keep(made(plain), plain)
        #expect(cache.profile(capped) == nil)
        // Nor does one that took the other's place.
        try FileManager.default.copyItem(at: cache.file(plain), to: cache.file(capped))
        #expect(cache.profile(capped) == nil)
    }

    @Test func `settings that change nothing do not count`() async throws {
        let plain = try await measuring().fingerprint
        let other = try await measuring(["LANG": "C", "GESSO_MODEL": "x", "ONEDNN_MAX_CPU_ISA": ""])
            .fingerprint
        #expect(other == plain)
        #expect(plain.threads > 0)
        #expect(plain.libtorch.hasPrefix("2."))
    }

    @Test func `without a cache folder everything works and nothing is kept`() async throws {
        let measuring = try await DeviceMeasuring(.cpu, environment: [:])
        #expect(try await measuring.facts(measuring: .never).profile == nil)
    }

    @Test func `a folder that cannot be written to costs nothing but time`() async throws {
        try Data().write(to: URL(fileURLWithPath: folder + "/gesso"))
        let fingerprint = try await measuring().fingerprint
        cache.keep(made(fingerprint), fingerprint)
        #expect(cache.profile(fingerprint) == nil)
    }

    @Test func `a card that is not there is refused before anything is measured`() async throws {
        await #expect(throws: Failure.self) { try await DeviceMeasuring(.cuda(99), environment: [:]) }
    }

    @Test(
        arguments: [
            (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/gesso"), (["HOME": "/h"], "/h/.cache/gesso"),
            (["XDG_CACHE_HOME": "x", "HOME": "/h"], "/h/.cache/gesso"),
            (["XDG_CACHE_HOME": "", "HOME": "/h"], "/h/.cache/gesso"), ([:], nil), (["HOME": ""], nil),
        ] as [([String: String], String?)])
    func `the cache folder is where the environment says`(environment: [String: String], expected: String?) {
        #expect(CacheFolder.url(in: environment)?.path == expected)
    }
}
