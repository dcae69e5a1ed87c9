package import Generation

package import struct Foundation.Date

/// Which queued job runs next: a pure value over the jobs that wait.
///
/// 1. The highest priority goes first.
/// 2. Inside a priority the caller goes first who has been served least, counted in work; inside a caller's jobs, the
///    oldest. A caller who comes anew begins where the least served one stands: absence saves nothing up.
/// 3. A job for a model that is loaded may go before the one whose turn it is, if that waits for another model: at most
///    ``Rules/affinityJobs`` in a row and for ``Rules/affinitySeconds``, and never before a higher priority.
/// 4. The job that has waited longest of all goes next when ``Rules/patience`` others went before it since it became
///    that: no priority starves.
///
/// Entering, leaving and choosing cost a search in a sorted array and, for choosing, a look at each caller.
package struct WaitingLine: Sendable {
    package struct Rules: Sendable, Equatable {
        package var affinityJobs: Int
        package var affinitySeconds: Double
        package var patience: Int

        package init(affinityJobs: Int = 8, affinitySeconds: Double = 120, patience: Int = 16) {
            self.affinityJobs = affinityJobs
            self.affinitySeconds = affinitySeconds
            self.patience = patience
        }
    }

    /// Which ticket is next, and by which rule.
    private struct Choice {
        enum Reason { case turn, affinity, patience }

        let ticket: Int
        let reason: Reason
    }

    private let rules: Rules
    private var nextTicket = 0
    private var tickets: [JobID: Int] = [:]
    private var jobs: [Int: WaitingJob] = [:]
    private var order = TicketLine()
    private var levels: [Int: PriorityLevel] = [:]
    private var deadlines = 0

    /// Jobs in a row that went before one whose turn it was, and when the first of them went.
    private var before = 0
    private var beforeSince: Double?
    /// Choices that passed over the job that has waited longest.
    private var passedOver = 0

    package init(_ rules: Rules = Rules()) { self.rules = rules }

    package var count: Int { jobs.count }
    package var isEmpty: Bool { jobs.isEmpty }
    package func contains(_ id: JobID) -> Bool { tickets[id] != nil }
    package func caller(of id: JobID) -> String? { tickets[id].flatMap { jobs[$0]?.caller } }
    /// When the job that has waited longest was submitted.
    package var oldest: Date? { order.first.flatMap { jobs[$0]?.submitted } }

    /// Puts a job at the end of its caller's line; one that is there stays where it is.
    package mutating func enter(_ job: WaitingJob) {
        guard tickets[job.id] == nil else { return }
        let ticket = nextTicket
        nextTicket += 1
        tickets[job.id] = ticket
        jobs[ticket] = job
        order.append(ticket)
        levels[job.priority, default: PriorityLevel()].enter(ticket, job)
        if job.deadline != nil { deadlines += 1 }
    }

    /// Takes a job out of the line.
    @discardableResult
    package mutating func leave(_ id: JobID) -> WaitingJob? {
        guard let ticket = tickets[id] else { return nil }
        if order.first == ticket { passedOver = 0 }
        return drop(ticket)
    }

    /// Takes many jobs out at once.
    /// - Returns: Those that were there.
    package mutating func leave(_ ids: [JobID]) -> [WaitingJob] {
        // One by one each would move the rest of the line: 100,000 of them for seconds.
        guard ids.count > 64 else { return ids.compactMap { leave($0) } }
        let dropped = Set(ids.compactMap { tickets.removeValue(forKey: $0) })
        if let first = order.first, dropped.contains(first) { passedOver = 0 }
        order.remove(dropped)
        for priority in Array(levels.keys) {
            levels[priority]?.leave(dropped)
            if levels[priority]?.isEmpty == true { levels[priority] = nil }
        }
        let left = dropped.sorted().compactMap { jobs.removeValue(forKey: $0) }
        deadlines -= left.count { $0.deadline != nil }
        return left
    }

    /// The next job, taken out of the line.
    /// - Parameters: `loaded`: models that run without a switch; `seconds`: now, for the affinity's bound.
    package mutating func choose(loaded: Set<String>, at seconds: Double) -> WaitingJob? {
        guard let choice = choice(loaded: loaded, at: seconds), let job = jobs[choice.ticket] else {
            return nil
        }
        passedOver = choice.ticket == order.first ? 0 : passedOver + 1
        switch choice.reason {
        case .affinity:
            before += 1
            beforeSince = beforeSince ?? seconds
        case .turn, .patience:
            before = 0
            beforeSince = nil
        }
        levels[job.priority]?.charge(job)
        return drop(choice.ticket)
    }

    /// The job that would be chosen now.
    package func next(loaded: Set<String>, at seconds: Double) -> WaitingJob? {
        choice(loaded: loaded, at: seconds).flatMap { jobs[$0.ticket] }
    }

    /// How many jobs go before this one if they all weigh the same and no model is preferred; nil when it does not wait.
    package func position(of id: JobID) -> Int? {
        guard let ticket = tickets[id], let job = jobs[ticket], let level = levels[job.priority] else {
            return nil
        }
        let higher = levels.reduce(0) { $1.key > job.priority ? $0 + $1.value.count : $0 }
        return higher + level.position(of: ticket, job)
    }

    /// Whether a job waits whose deadline is past.
    package func hasExpired(at now: Date) -> Bool {
        deadlines > 0 && jobs.values.contains { $0.deadline.map { $0 <= now } ?? false }
    }

    /// How many jobs wait for each model.
    package var countByModel: [String: Int] {
        levels.values.reduce(into: [:]) { $1.addCounts(to: &$0) }
    }

    private func choice(loaded: Set<String>, at seconds: Double) -> Choice? {
        guard let oldest = order.first, let top = levels.keys.max(), let level = levels[top] else {
            return nil
        }
        if passedOver >= rules.patience { return Choice(ticket: oldest, reason: .patience) }
        guard let turn = level.first() else { return nil }
        guard let model = jobs[turn]?.model, !loaded.contains(model) else {
            return Choice(ticket: turn, reason: .turn)
        }
        let hasTime = beforeSince.map { seconds - $0 < rules.affinitySeconds } ?? true
        guard before < rules.affinityJobs, hasTime, let preferred = level.first(of: loaded) else {
            return Choice(ticket: turn, reason: .turn)
        }
        return Choice(ticket: preferred, reason: .affinity)
    }

    private mutating func drop(_ ticket: Int) -> WaitingJob? {
        guard let job = jobs.removeValue(forKey: ticket) else { return nil }
        tickets[job.id] = nil
        order.remove(ticket)
        levels[job.priority]?.leave(ticket, job)
        if levels[job.priority]?.isEmpty == true { levels[job.priority] = nil }
        if job.deadline != nil { deadlines -= 1 }
        return job
    }
}
