internal import Engine
internal import Foundation
internal import Generation

/// A job's status as this protocol calls it.
enum RunPodStatus: String, Sendable {
    case queued = "IN_QUEUE"
    case running = "IN_PROGRESS"
    case completed = "COMPLETED"
    case failed = "FAILED"
    case cancelled = "CANCELLED"
    case timedOut = "TIMED_OUT"

    init(_ record: JobRecord) {
        self =
            switch record.status {
            case .queued: .queued
            case .running: .running
            case .done: .completed
            case .cancelled: .cancelled
            case .failed: Self.isTimeout(record.failure) ? .timedOut : .failed
            }
    }

    var isFinished: Bool { self != .queued && self != .running }

    /// What `/stream` says: its clients read on for ever after CANCELLED.
    var onStream: RunPodStatus { self == .cancelled ? .failed : self }

    private static func isTimeout(_ failure: Failure?) -> Bool {
        failure?.code == .expired || failure?.code == .timedOut
    }
}

extension RunPodValue {
    /// How far a job is, as `output` while it runs.
    init(_ progress: Generation.Progress) {
        var members: [String: RunPodValue] = ["stage": .text(progress.stage.rawValue)]
        if progress.pictures > 0 {
            members["picture"] = .whole(progress.picture)
            members["pictures"] = .whole(progress.pictures)
        }
        if progress.of > 0 {
            members["step"] = .whole(progress.step)
            members["steps"] = .whole(progress.of)
        }
        if let left = progress.secondsLeft, left.isFinite {
            members["secondsLeft"] = .number((left * 10).rounded() / 10)
        }
        self = ["progress": .object(members)]
    }

    /// The `output` of a job that failed.
    init(_ failure: Failure) {
        var members: [String: RunPodValue] = [
            "success": false, "error": .text(failure.message), "code": .text(failure.code.rawValue),
        ]
        if let field = failure.field { members["field"] = .text(RunPodInput.wireName(field)) }
        self = .object(members)
    }

    /// A failure as another call refused it.
    init(_ rejection: Rejection) {
        var members: [String: RunPodValue] = [
            "success": false, "error": .text(rejection.message), "code": .text(rejection.code),
        ]
        if let field = rejection.field { members["field"] = .text(field) }
        self = .object(members)
    }
}

/// A job as its client sees it, whether the engine has it or this front alone.
struct RunPodJob: Sendable, Equatable {
    var id: String
    var status: RunPodStatus
    /// Of its last run.
    var submitted: Date
    var started: Date?
    var finished: Date?
    /// The result, or how far it is.
    var output: RunPodValue?
    var error: String?

    /// The job object of the wire.
    /// - Parameter worker: Who ran it; said once it has begun.
    func wire(now: Date, worker: String) -> RunPodValue {
        var members: [String: RunPodValue] = ["id": .text(id), "status": .text(status.rawValue)]
        if let started {
            members["delayTime"] = .whole(Self.milliseconds(from: submitted, to: started))
            members["executionTime"] = .whole(Self.milliseconds(from: started, to: finished ?? now))
            members["workerId"] = .text(worker)
        } else if let finished {
            members["delayTime"] = .whole(Self.milliseconds(from: submitted, to: finished))
        }
        if let output { members["output"] = output }
        if let error { members["error"] = .text(error) }
        return .object(members)
    }

    private static func milliseconds(from start: Date, to end: Date) -> Int {
        // A clock may have been set back in between; a time below 0 would be no time.
        Int(max(0, (end.timeIntervalSince(start) * 1000).rounded()))
    }
}
