/// One run of a job, from its claim until its outcome is written: what may still happen to it.
///
/// beginning -> working -> settled. Whoever wants it to end says why; the first to say so is heeded, but a lost lease
/// overrules all: who has lost it may write nothing.
package struct RunState: Sendable, Equatable {
    /// Why a run ends before its pictures are delivered.
    package enum Reason: Sendable, Equatable {
        case cancelled, timedOut, expired, givenBack, lost
    }

    package enum Phase: Sendable, Equatable {
        /// Claimed, not yet written down as running.
        case beginning
        /// Loading, painting, delivering.
        case working
        /// Its outcome is being written: too late for anything else.
        case settled
    }

    package enum StopAction: Sendable, Equatable {
        /// Cancel the work.
        case interrupt
        /// It has been told already, has not begun to work, or is over.
        case none
    }

    package enum BeginAction: Sendable, Equatable {
        case work
        /// It was stopped before it began.
        case skip(Reason)
    }

    package private(set) var phase = Phase.beginning
    package private(set) var reason: Reason?

    package init() {}

    package mutating func stop(_ reason: Reason) -> StopAction {
        guard phase != .settled else { return .none }
        guard self.reason == nil else {
            if reason == .lost { self.reason = .lost }
            return .none
        }
        self.reason = reason
        return phase == .working ? .interrupt : .none
    }

    package mutating func begin() -> BeginAction {
        phase = .working
        return reason.map { .skip($0) } ?? .work
    }

    /// The work has ended, one way or the other.
    /// - Returns: Why it was stopped; nil when nobody did.
    package mutating func settle() -> Reason? {
        phase = .settled
        return reason
    }
}
