internal import Generation
internal import Planning
internal import Synchronization
internal import Torch

/// What went wrong in one request and was put right, and how much more may be tried.
struct RecoveryRecord {
    /// How often one request may be recovered before it fails: a machine that breaks this often is broken.
    static let limit = 12

    private(set) var events: [Recovery] = []
    /// Promotions that were needed and worth keeping for the next request.
    private(set) var learned: [Promotion] = []
    private var attempts = 0

    /// Counts one more attempt at something.
    /// - Throws: ``Failure`` when there were too many in this request.
    mutating func begin(_ anomaly: Anomaly) throws {
        attempts += 1
        guard attempts <= Self.limit else {
            throw Failure(
                .notFinite,
                "\(anomaly); \(Self.limit) recoveries in one request are enough: the machine or the "
                    + "checkpoint is broken")
        }
    }

    /// Keeps what an attempt came to.
    mutating func keep(
        _ anomaly: Anomaly, site: String? = nil, from: StagePlan, to: StagePlan, outcome: Recovery.Outcome,
        learning promotions: [Promotion] = []
    ) {
        let event = Recovery(
            check: anomaly.check.rawValue, stage: anomaly.stage.rawValue, place: anomaly.place,
            found: anomaly.found, site: site, from: from.formats, to: to.formats, outcome: outcome)
        events.append(event)
        learned += promotions
        PrecisionCounters.shared.count(event)
    }

    /// Refuses a wider format that would need more memory than there is.
    /// - Parameters:
    ///   - bytes: What the stage takes in it, beyond what it keeps anyway.
    ///   - device: Where the stage computes.
    /// - Throws: ``Failure``: what had gone wrong, and that memory is why it was not tried again.
    static func requireMemory(_ bytes: Int, on device: Device, _ anomaly: Anomaly) throws(Failure) {
        guard let available = availableMemory(on: device), bytes > available else { return }
        throw Failure(
            .outOfMemory,
            "\(anomaly); it was not computed again in a wider format, which needs about \(bytes >> 20) MiB, because only "
                + "\(available >> 20) MiB are free")
    }

    /// What may still be taken; nil where nothing says.
    private static func availableMemory(on device: Device) -> Int? {
        if let given = FaultInjection.current?.availableMemory { return given }
        return device.kind == .cuda ? LibTorch.cudaMemory(Int(device.index))?.free : HostMemory.available
    }
}

extension StagePlan {
    /// The formats in a few characters: `bf16`, `bf16, sums fp32`, `bf16, 2 sites wider`.
    var formats: String {
        var text = compute.rawValue
        if residual != compute { text += ", sums \(residual.rawValue)" }
        if !sites.isEmpty { text += ", \(sites.count) sites wider" }
        return text
    }
}

/// Counts of this process, for whoever watches it.
package final class PrecisionCounters: Sendable {
    /// What a recovery is counted under.
    package struct Key: Sendable, Hashable {
        package let stage: String
        package let from: String
        package let to: String
    }

    private struct Counts {
        var recoveries: [Key: Int] = [:]
        var notFinite: [String: Int] = [:]
        var degenerate = 0
    }

    package static let shared = PrecisionCounters()

    private let counts = Mutex(Counts())

    /// Recoveries by stage and formats.
    package var recoveries: [Key: Int] { counts.withLock { $0.recoveries } }
    /// Detections of values that are not finite, by stage.
    package var notFinite: [String: Int] { counts.withLock { $0.notFinite } }
    /// Pictures that looked like none, whatever came of them.
    package var degenerate: Int { counts.withLock { $0.degenerate } }

    func count(_ event: Recovery) {
        counts.withLock {
            $0.recoveries[Key(stage: event.stage, from: event.from, to: event.to), default: 0] += 1
        }
    }

    func count(_ anomaly: Anomaly) {
        counts.withLock {
            if anomaly.found == "not finite" { $0.notFinite[anomaly.stage.rawValue, default: 0] += 1 }
            if anomaly.check == .picture { $0.degenerate += 1 }
        }
    }
}
