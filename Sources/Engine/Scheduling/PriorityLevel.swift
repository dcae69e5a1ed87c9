/// The jobs of one priority, by caller: whose turn it is.
///
/// Start-time fair queueing (Goyal et al. 1996): each caller has a turn, the work it was given; the least goes first.
struct PriorityLevel: Sendable {
    private struct CallersJobs {
        var all = TicketLine()
        var byModel: [String: TicketLine] = [:]
        var turn: Double
    }

    private var callers: [String: CallersJobs] = [:]
    /// Turns of callers who have nothing waiting now and were served beyond the least: else one who submits a job at a
    /// time would always be the least served.
    private var absent: [String: Double] = [:]
    /// The least turn when a job was last chosen; only grows.
    private var now = 0.0
    private(set) var count = 0

    var isEmpty: Bool { callers.isEmpty }

    mutating func enter(_ ticket: Int, _ job: WaitingJob) {
        count += 1
        if callers[job.caller] == nil {
            let least = callers.values.reduce(Double.infinity) { min($0, $1.turn) }
            let start = least.isFinite ? least : now
            let turn = max(absent.removeValue(forKey: job.caller) ?? start, start)
            callers[job.caller] = CallersJobs(turn: turn)
        }
        callers[job.caller]?.all.append(ticket)
        callers[job.caller]?.byModel[job.model, default: TicketLine()].append(ticket)
    }

    mutating func leave(_ ticket: Int, _ job: WaitingJob) {
        guard callers[job.caller] != nil else { return }
        count -= 1
        callers[job.caller]?.all.remove(ticket)
        callers[job.caller]?.byModel[job.model]?.remove(ticket)
        if callers[job.caller]?.byModel[job.model]?.isEmpty == true {
            callers[job.caller]?.byModel[job.model] = nil
        }
        rest(job.caller)
    }

    mutating func leave(_ dropped: Set<Int>) {
        for caller in Array(callers.keys) {
            callers[caller]?.all.remove(dropped)
            for model in callers[caller].map({ Array($0.byModel.keys) }) ?? [] {
                callers[caller]?.byModel[model]?.remove(dropped)
                if callers[caller]?.byModel[model]?.isEmpty == true { callers[caller]?.byModel[model] = nil }
            }
            rest(caller)
        }
        count = callers.values.reduce(0) { $0 + $1.all.count }
    }

    /// Counts a job as served.
    mutating func charge(_ job: WaitingJob) {
        now = max(now, callers.values.reduce(Double.infinity) { min($0, $1.turn) })
        callers[job.caller]?.turn += job.weight
        // Whoever is not ahead of the least served has nothing to be remembered for.
        if absent.count > 1024 { absent = absent.filter { $0.value > now } }
    }

    /// The oldest job of the caller who was served least; of those alone that wait for one of some models.
    func first(of models: Set<String>? = nil) -> Int? {
        var best: (turn: Double, ticket: Int)?
        for caller in callers.values {
            let ticket = models.map { $0.compactMap { caller.byModel[$0]?.first }.min() } ?? caller.all.first
            guard let ticket else { continue }
            if best.map({ (caller.turn, ticket) < $0 }) ?? true { best = (caller.turn, ticket) }
        }
        return best?.ticket
    }

    /// How many jobs of this level go before one, all of the same weight.
    func position(of ticket: Int, _ job: WaitingJob) -> Int {
        guard let own = callers[job.caller] else { return 0 }
        let rank = own.all.rank(of: ticket)
        return callers.reduce(rank) { total, entry in
            guard entry.key != job.caller else { return total }
            let other = entry.value
            // The other's job k goes at its turn + k weights, this one at its own turn + rank weights.
            let gap = (own.turn - other.turn) / max(job.weight, .leastNormalMagnitude) + Double(rank)
            guard gap >= 0 else { return total }
            let earlier = Int(min(gap.rounded(.up), Double(other.all.count)))
            let isTie = gap == gap.rounded() && earlier < other.all.count
            return total + earlier + (isTie && other.all[earlier] < ticket ? 1 : 0)
        }
    }

    func addCounts(to counts: inout [String: Int]) {
        for caller in callers.values {
            for (model, line) in caller.byModel { counts[model, default: 0] += line.count }
        }
    }

    private mutating func rest(_ caller: String) {
        guard let jobs = callers[caller], jobs.all.isEmpty else { return }
        callers[caller] = nil
        if jobs.turn > now { absent[caller] = jobs.turn }
    }
}
