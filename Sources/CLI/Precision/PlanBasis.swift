internal import Foundation
internal import Generation
internal import Models
internal import Pipelines
internal import Planning
internal import Torch

/// What a model's plan rests on here: the device and what is known of it, memory, and what this checkpoint's runs and its
/// user have laid down.
struct PlanBasis: Sendable {
    let device: Device
    let fingerprint: DeviceFingerprint
    let facts: DeviceFacts
    /// What is free now, or what was allowed.
    let budget: MemoryBudget
    /// What was asked for, and the formats fixed for this checkpoint where nothing was.
    let policy: PrecisionPolicy
    /// nil where the environment names no cache folder.
    let memory: PrecisionMemory?
    /// What was found in the checkpoint's weights, now or earlier, and seen in traced runs.
    let known: ModelKnowledge

    /// Measures the device where it is not known and that can change this model's plan, and reads weights where they can.
    /// - Parameter readsAll: Reads the weights of every stage, as a plan that is shown wants them. What is painted with is
    ///   looked at when it is loaded, so that painting need not wait for this.
    /// - Throws: ``Failure``; `CancellationError`.
    init(
        _ checkpoint: any PaintableCheckpoint, _ choice: WorkerChoice, in surroundings: Surroundings,
        readsAll: Bool = false
    ) async throws {
        let model = checkpoint.facts(checkpoint.request(width: nil, height: nil))
        do {
            device = try choice.device ?? Composition.bestDevice()
        } catch {
            throw Failure(error)
        }
        memory = PrecisionMemory(
            folder: CacheFolder.url(in: surroundings.environment), paths: checkpoint.files)
        policy = choice.precision.completed(by: memory?.overrides ?? [:])
        let measuring = try await DeviceMeasuring(device, environment: surroundings.environment)
        fingerprint = measuring.fingerprint
        let isNeeded = choice.measures && Planner.dependsOnMeasuring(model, policy)
        let notice = ProbeNotice(surroundings.console, device, isQuiet: choice.isQuiet)
        do {
            facts = try await measuring.facts(
                measuring: isNeeded ? .unknown : .never, begins: notice.begin, progress: notice.show)
            notice.end()
        } catch let error as CancellationError {
            throw error
        } catch let failure as Failure {
            // Painting by the rules for unmeasured devices is slower at worst; the plan says that it does.
            notice.fail(failure)
            facts = try await measuring.facts(measuring: .never)
        }
        budget =
            choice.allowance.map { MemoryBudget(device: $0, host: $0) } ?? Composition.budget(device)

        let reading = WeightReading(checkpoint, folder: CacheFolder.url(in: surroundings.environment))
        let line = LateLine(surroundings.console, isQuiet: choice.isQuiet)
        let show: @Sendable (Int, Int) -> Void = { done, total in
            line.show("reading the weights of \(checkpoint.name): \(done * 100 / max(total, 1)) %")
        }
        var known = try await reading.knowledge(of: readsAll ? Set(model.stages.keys) : [], progress: show)
        let plan = checkpoint.plan(
            facts, policy: policy, width: nil, height: nil, budget: budget,
            learned: memory?.learned(facts.profile?.fingerprint) ?? [], known: known)
        let unread = Planner.unread(plan, model.knowing(known))
        if !unread.isEmpty { known = try await reading.knowledge(of: unread, progress: show) }
        line.end()
        known.ranges = memory?.ranges ?? [:]
        known.notes = [memory?.damage].compactMap(\.self)
        self.known = known
    }

    /// How a worker of this plan computes.
    var settings: WorkerSettings {
        WorkerSettings(
            policy: policy, device: device, facts: facts, budget: budget, memory: memory, known: known)
    }

    /// The plan at a size, or at the one that the checkpoint was trained for.
    func plan(
        _ checkpoint: any PaintableCheckpoint, width: Int? = nil, height: Int? = nil,
        budget: MemoryBudget? = nil
    ) -> Plan {
        var settings = settings
        settings.budget = budget ?? self.budget
        return checkpoint.plan(facts, settings, width: width, height: height)
    }
}
