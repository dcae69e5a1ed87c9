internal import Engine
internal import Generation
internal import Synchronization

/// Answers about finished jobs as they were last written: clients ask again and again for what no longer changes.
final class ShownGenerations: Sendable {
    private struct Shown {
        let view: JobView
        let bytes: [UInt8]
    }

    private static let most = 256
    private let shown = Mutex<[JobID: Shown]>([:])

    /// The answer's JSON, written anew where the job has changed.
    func bytes(of view: JobView) throws -> [UInt8] {
        guard view.record.status.isFinished else { return try JSONOutput.encode(GenerationView(view)) }
        let id = view.record.job.id
        if let known = shown.withLock({ $0[id] }), known.view == view { return known.bytes }
        let bytes = try JSONOutput.encode(GenerationView(view))
        shown.withLock { shown in
            if shown.count == Self.most { shown.removeAll(keepingCapacity: true) }
            shown[id] = Shown(view: view, bytes: bytes)
        }
        return bytes
    }
}
