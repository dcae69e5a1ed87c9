import Foundation
import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// A thousand faults of every kind at every place, in three plans of each bundled checkpoint: each request ends with the
/// sound picture or with an error, never with a bad picture and never with a crash.
///
/// Each run of the tests puts in 568 and 432, which is every combination at least once on both; `GESSO_FAULTS=1000` asks for
/// as many on each.
struct ThousandFaultsTests {
    /// A bundled checkpoint, the plans it is run in, and how many faults.
    enum Starter: String, CaseIterable, CustomTestStringConvertible {
        case sdxl, flux

        var testDescription: String { rawValue }

        var plans: [String] {
            self == .sdxl
                ? ["auto", "unet=bf16,vae.decode=bf16", "text=bf16,unet=bf16"]
                : ["auto", "transformer=bf16,vae.decode=bf16", "text=bf16,transformer=bf16"]
        }

        var count: Int {
            let asked = ProcessInfo.processInfo.environment["GESSO_FAULTS"].flatMap { Int($0) }
            return asked ?? (self == .sdxl ? 568 : 432)
        }

        func pipeline(_ policy: String) throws -> any RecoveringWorker {
            let folder = ModelPaths(model: Fixture.path("../Checkpoints/starter-\(rawValue)"))
            let policy = try PrecisionPolicy(parsing: policy)
            return switch self {
            case .sdxl:
                try Pipeline(SDXLCheckpoint.open(folder), WorkerSettings(policy: policy, device: .cpu))
            case .flux:
                try Pipeline(FluxCheckpoint.open(folder), WorkerSettings(policy: policy, device: .cpu))
            }
        }

        var request: Request {
            var request = RecoveryTests.request(steps: 2)
            if self == .flux { request.guidanceScale = nil }
            return request
        }
    }

    private static let places: [FaultInjection.Place] = [
        .text(.textEncoder), .text(.textEncoder2), .conditioning, .prediction(step: 0), .prediction(step: 1),
        .latents(step: 0), .latents(step: 1), .tile(0),
    ]

    /// Every combination in turn, with positions of their own.
    private static func faults(_ starter: Starter) -> [(plan: String, fault: InjectedFault)] {
        let damages = InjectedFault.Damage.allCases
        let persistences = InjectedFault.Persistence.allCases
        return (0..<starter.count).map { index in
            var rest = index
            func pick<Value>(_ values: [Value]) -> Value {
                defer { rest /= values.count }
                return values[rest % values.count]
            }
            let fault = InjectedFault(
                place: pick(places), damage: pick(damages), persistence: pick(persistences),
                position: Double(index * 7919 % 1000) / 1000)
            return (pick(starter.plans), fault)
        }
    }

    private struct Outcomes {
        var saved = 0
        var refused = 0
        var untouched = 0

        var count: Int { saved + refused + untouched }
    }

    @Test(arguments: Starter.allCases)
    func `no bad picture is reported as success`(starter: Starter) async throws {
        var outcomes = Outcomes()
        let faults = Self.faults(starter)
        let exact = try await starter.pipeline("fp32").run(starter.request) { _ in }
        for plan in starter.plans {
            let clean = try await starter.pipeline(plan).run(starter.request) { _ in }
            let pipeline = try starter.pipeline(plan)
            for (name, fault) in faults where name == plan {
                let bench = FaultBench(fault)
                // What one fault has widened must not protect from the next.
                if await pipeline.presentPlan != pipeline.plan { await pipeline.forget() }
                do {
                    let result = try await bench.run {
                        try await pipeline.run(starter.request) { _ in }
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
            "\(starter), \(faults.count) faults: \(outcomes.saved) saved, \(outcomes.refused) refused, "
                + "\(outcomes.untouched) that struck nothing, 0 bad pictures")
        #expect(outcomes.count == faults.count)
        #expect(outcomes.saved * 10 > faults.count * 3 && outcomes.refused * 10 > faults.count * 2)
    }

    private static func meanDifference(_ a: [UInt8], _ b: [UInt8]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(max(a.count, 1))
    }
}

/// What both families' pipelines say of their plan.
protocol RecoveringWorker: Worker {
    var plan: Plan { get }
    var presentPlan: Plan { get async }
    func forget() async
}

extension Pipeline: RecoveringWorker {}
