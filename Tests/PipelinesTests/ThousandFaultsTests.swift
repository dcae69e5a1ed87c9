import Generation
import Pipelines
import Planning
import TestSupport
import Testing

/// A thousand faults of every kind at every place, in three plans: each request ends with the sound picture or with an
/// error, never with a bad picture and never with a crash.
struct ThousandFaultsTests {
    private static let steps = 2
    private static let plans = ["auto", "unet=bf16,vae.decode=bf16", "text=bf16,unet=bf16"]

    private static let places: [FaultInjection.Place] = [
        .text(.textEncoder), .text(.textEncoder2), .conditioning, .prediction(step: 0), .prediction(step: 1),
        .latents(step: 0), .latents(step: 1), .tile(0),
    ]

    /// Every combination in turn, with positions of their own.
    private static func faults(_ count: Int) -> [(plan: String, fault: InjectedFault)] {
        let damages = InjectedFault.Damage.allCases
        let persistences = InjectedFault.Persistence.allCases
        return (0..<count).map { index in
            var rest = index
            func pick<Value>(_ values: [Value]) -> Value {
                defer { rest /= values.count }
                return values[rest % values.count]
            }
            let fault = InjectedFault(
                place: pick(places), damage: pick(damages), persistence: pick(persistences),
                position: Double(index * 7919 % 1000) / 1000)
            return (pick(plans), fault)
        }
    }

    private struct Outcomes {
        var saved = 0
        var refused = 0
        var untouched = 0
    }

    @Test func `no bad picture is reported as success`() async throws {
        var outcomes = Outcomes()
        for plan in Self.plans {
            let clean = try await RecoveryTests.pipeline(plan).run(RecoveryTests.request(steps: Self.steps)) {
                _ in
            }
            let exact = try await RecoveryTests.pipeline().run(RecoveryTests.request(steps: Self.steps)) {
                _ in
            }
            let pipeline = try RecoveryTests.pipeline(plan)
            for (name, fault) in Self.faults(1_000) where name == plan {
                let bench = FaultBench(fault)
                // What one fault has widened must not protect from the next.
                if await pipeline.presentPlan != pipeline.plan { await pipeline.forget() }
                do {
                    let result = try await bench.run {
                        try await pipeline.run(RecoveryTests.request(steps: Self.steps)) { _ in }
                    }
                    let picture = result.pictures[0]
                    // The plan's own picture or, where stages were widened, one on the way to float32's.
                    let distance = min(
                        Self.meanDifference(picture.pixels, clean.pictures[0].pixels),
                        Self.meanDifference(picture.pixels, exact.pictures[0].pixels))
                    #expect(distance <= 1, "\(fault) in \(plan): off by \(distance)")
                    #expect(picture.receipt.recoveries.isEmpty == (bench.struck == 0), "\(fault) in \(plan)")
                    if bench.struck > 0 { outcomes.saved += 1 } else { outcomes.untouched += 1 }
                } catch let failure as Failure {
                    #expect(failure.code == .notFinite, "\(fault) in \(plan): \(failure)")
                    // What strikes once, or only in 16 bits, can always be saved.
                    #expect(fault.persistence == .always, "\(fault) in \(plan): \(failure)")
                    outcomes.refused += 1
                }
            }
        }
        print(
            "1,000 faults: \(outcomes.saved) saved, \(outcomes.refused) refused, \(outcomes.untouched) that struck "
                + "nothing, 0 bad pictures")
        #expect(outcomes.saved + outcomes.refused + outcomes.untouched == 1_000)
        #expect(outcomes.saved > 300 && outcomes.refused > 200)
    }

    private static func meanDifference(_ a: [UInt8], _ b: [UInt8]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(max(a.count, 1))
    }
}
