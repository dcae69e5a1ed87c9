package import Foundation
internal import Layers
internal import Models
package import Planning
internal import Torch

/// Finds out what a checkpoint's weights hold, reading no more than is asked for and nothing twice.
///
/// Tensors that no layer uses are always looked at: they are few, and nobody else ever would. Of the others only the stages
/// that are named, because a layer looks at each weight when it is loaded.
package struct WeightReading: Sendable {
    private let checkpoint: any PaintableCheckpoint
    private let cache: WeightCache?

    /// - Parameter folder: The user's ``CacheFolder``; nil keeps nothing.
    package init(_ checkpoint: any PaintableCheckpoint, folder: URL?) {
        self.checkpoint = checkpoint
        cache = WeightCache(folder: folder, paths: checkpoint.usedFiles.map(\.path))
    }

    /// What is known once the weights of the stages were read. libtorch must be open.
    /// - Parameter progress: Called on any thread with bytes that are read, and all of them.
    /// - Throws: `CancellationError`.
    package func knowledge(
        of stages: Set<Stage>, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> ModelKnowledge {
        let stamps = cache?.stamps()
        var known = cache?.knowledge(stamps) ?? .none
        let missing = stages.subtracting(known.weights.keys)
        if !missing.isEmpty || known.dead == nil {
            let looksAtDead = known.dead == nil
            let parts = try await DeviceActor.of(.cpu).run { Self.parts(checkpoint) }
            let scan = WeightScan(
                parts.flatMap { stage, part in
                    Self.tensors(stage, part, used: missing.contains(stage), dead: looksAtDead)
                })
            let found = try await scan.run(progress: progress)
            if looksAtDead { known.dead = found.dead }
            known.weights.merge(found.weights) { _, new in new }
            cache?.keep(known, stamps)
        }
        return known
    }

    private static func parts(_ checkpoint: any PaintableCheckpoint) -> [Stage: StageWeights] {
        var parts: [Stage: StageWeights] = [:]
        for stage in Stage.allCases {
            // What does not fit its model is refused by name when it is loaded, and only if it is.
            parts[stage] = try? checkpoint.stageWeights(stage)
        }
        return parts
    }

    private static func tensors(
        _ stage: Stage, _ part: StageWeights, used: Bool, dead: Bool
    ) -> [(key: String, interest: WeightScan.Interest, source: TensorSource)] {
        part.tensors.compactMap { key, source in
            if part.used.contains(key) {
                return used
                    ? (key, .used(stage, isNarrow: part.narrow.contains(key)), source) : nil
            }
            return dead ? (key, .dead(stage), source) : nil
        }
    }
}
