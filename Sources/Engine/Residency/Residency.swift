package import Generation

package import struct Foundation.Date

/// Which models are configured, which are in memory and which may be let go: a pure value.
///
/// A model in memory is a *copy* with a number of its own: a changed configuration makes another copy, and jobs end on the
/// one they began with. Copies that run a job are never let go. Nothing here holds a worker: the owner keeps them by the
/// copy's number and drops those that it is told to.
package struct Residency: Sendable {
    package typealias CopyID = UInt64

    package struct Copy: Sendable, Equatable {
        package let id: CopyID
        package let bytes: Int
        /// Jobs that run on it.
        package var users = 0
        package var lastUsed: Double
        /// False while it is being warmed up.
        package var isReady = false
    }

    private struct Entry {
        var model: ModelDescription
        var copy: Copy?
        var isOpening = false
        /// Why it could not be loaded, and until when it is not tried again.
        var failure: (failure: Failure, until: Double)?
        var loadSeconds: Double?
        var lastUsed: Date?
    }

    private var order: [String] = []
    private var entries: [String: Entry] = [:]
    /// Busy copies of models that were unloaded, changed or removed.
    private var departing: [CopyID: (model: String, copy: Copy)] = [:]
    private var nextCopy: CopyID = 1
    package let budget: Int

    package init(_ models: [ModelDescription], budget: Int) {
        self.budget = budget
        for model in models { add(model) }
    }

    package var models: [ModelDescription] { order.compactMap { entries[$0]?.model } }
    package func model(_ id: String) -> ModelDescription? { entries[id]?.model }
    /// Models whose next job needs no load.
    package var loaded: Set<String> {
        Set(entries.filter { $0.value.copy?.isReady == true }.keys)
    }
    package var residentBytes: Int {
        entries.values.reduce(0) { $0 + ($1.copy?.bytes ?? 0) }
            + departing.values.reduce(0) { $0 + $1.copy.bytes }
    }
    /// Whether a job runs on any of them.
    package var isBusy: Bool {
        !departing.isEmpty || entries.values.contains { ($0.copy?.users ?? 0) > 0 }
    }
    package func loadSeconds(_ id: String) -> Double? { entries[id]?.loadSeconds }

    // MARK: Using

    package enum Taking: Sendable, Equatable {
        /// Its copy is in use once more.
        case ready(CopyID)
        case load(ModelDescription)
        /// Not tried now: it failed a short while ago.
        case failed(Failure)
        case unknown
    }

    /// What taking a model would come to; takes nothing.
    package func look(_ id: String, at seconds: Double) -> Taking {
        guard let entry = entries[id] else { return .unknown }
        if let copy = entry.copy, copy.isReady { return .ready(copy.id) }
        if let (failure, until) = entry.failure, seconds < until { return .failed(failure) }
        return .load(entry.model)
    }

    /// A job wants to run on a model.
    package mutating func take(_ id: String, at seconds: Double, date: Date) -> Taking {
        let answer = look(id, at: seconds)
        if case .ready = answer {
            entries[id]?.copy?.users += 1
            entries[id]?.copy?.lastUsed = seconds
            entries[id]?.lastUsed = date
        }
        return answer
    }

    /// A job has ended on a copy.
    /// - Returns: Whether the copy is to be dropped.
    package mutating func giveBack(_ copy: CopyID, at seconds: Double, date: Date) -> Bool {
        if let (model, _) = departing[copy] {
            departing[copy]?.copy.users -= 1
            guard departing[copy]?.copy.users == 0 else { return false }
            departing[copy] = nil
            entries[model]?.lastUsed = date
            return true
        }
        guard let id = entries.first(where: { $0.value.copy?.id == copy })?.key else { return false }
        entries[id]?.copy?.users -= 1
        entries[id]?.copy?.lastUsed = seconds
        entries[id]?.lastUsed = date
        return false
    }

    // MARK: Loading

    /// A model's files are being opened.
    package mutating func opening(_ id: String) { entries[id]?.isOpening = true }

    package enum Room: Sendable, Equatable {
        /// Drop these first, in this order: the least recently used.
        case free([CopyID])
        /// What is busy leaves too little, or the budget is smaller than what is asked for.
        case tooLittle(free: Int)
    }

    /// Room for `bytes` beside what stays; changes nothing.
    /// - Parameters: `id`: a model that stays; `allowance`: what there is in truth, where that may be less than the budget;
    ///   `all`: whether everything that may go has to.
    package func room(
        for bytes: Int, keeping id: String?, within allowance: Int? = nil, all: Bool = false
    ) -> Room {
        var free = min(budget, allowance ?? budget) - residentBytes
        var dropped: [CopyID] = []
        let idle = entries.filter { $0.key != id }.values.compactMap(\.copy).filter {
            $0.isReady && $0.users == 0
        }
        for copy in idle.sorted(by: { $0.lastUsed < $1.lastUsed }) where all || free < bytes {
            dropped.append(copy.id)
            free += copy.bytes
        }
        return free >= bytes ? .free(dropped) : .tooLittle(free: free)
    }

    /// The owner lets copies go.
    /// - Returns: Their models.
    @discardableResult
    package mutating func drop(_ copies: [CopyID]) -> [String] {
        copies.compactMap { copy in
            guard let id = entries.first(where: { $0.value.copy?.id == copy })?.key else { return nil }
            entries[id]?.copy = nil
            return id
        }
    }

    /// A number for the next copy.
    package mutating func makeCopyID() -> CopyID {
        defer { nextCopy += 1 }
        return nextCopy
    }

    /// A model's room is taken: it is about to be warmed up.
    /// - Returns: False when its configuration is no longer this one.
    package mutating func warming(
        _ model: ModelDescription, _ copy: CopyID, bytes: Int, at seconds: Double
    ) -> Bool {
        guard entries[model.id]?.model == model else { return false }
        entries[model.id]?.copy = Copy(id: copy, bytes: bytes, lastUsed: seconds)
        return true
    }

    /// - Returns: False when nobody wants it any more: its model was changed or removed meanwhile.
    package mutating func loaded(_ model: ModelDescription, _ copy: CopyID, seconds: Double) -> Bool {
        guard entries[model.id]?.copy?.id == copy else { return false }
        entries[model.id]?.isOpening = false
        entries[model.id]?.copy?.isReady = true
        entries[model.id]?.failure = nil
        entries[model.id]?.loadSeconds = seconds
        return true
    }

    /// A model could not be loaded; nil when it was only interrupted.
    package mutating func failed(_ model: ModelDescription, _ failure: Failure?, until: Double) {
        guard entries[model.id]?.model == model else { return }
        entries[model.id]?.isOpening = false
        if entries[model.id]?.copy?.isReady == false { entries[model.id]?.copy = nil }
        entries[model.id]?.failure = failure.map { ($0, until) }
    }

    // MARK: Letting go

    package enum Unloading: Sendable, Equatable {
        case drop(CopyID)
        /// When its job has ended.
        case later
        case none
    }

    /// Lets a model go, at once or when its job has ended.
    package mutating func unload(_ id: String) -> Unloading {
        guard let copy = entries[id]?.copy, copy.isReady else { return .none }
        entries[id]?.copy = nil
        guard copy.users > 0 else { return .drop(copy.id) }
        departing[copy.id] = (id, copy)
        return .later
    }

    /// Copies that nobody has used since a moment.
    package func idle(since seconds: Double) -> [CopyID] {
        entries.values.compactMap(\.copy).filter { $0.isReady && $0.users == 0 && $0.lastUsed <= seconds }
            .map(\.id)
    }

    /// Takes over another list.
    /// - Returns: Copies to drop at once.
    package mutating func reload(_ models: [ModelDescription]) -> [CopyID] {
        var dropped: [CopyID] = []
        let old = entries
        order = []
        entries = [:]
        for model in models {
            add(model)
            if let entry = old[model.id], entry.model == model { entries[model.id] = entry }
        }
        for (id, entry) in old where entries[id]?.copy != entry.copy {
            guard let copy = entry.copy else { continue }
            // One that is being warmed up is dropped by who warms it, who finds nobody wanting it.
            if copy.users > 0 {
                departing[copy.id] = (id, copy)
            } else if copy.isReady {
                dropped.append(copy.id)
            }
        }
        return dropped
    }

    package var statuses: [ModelStatus] {
        order.compactMap { id in
            guard let entry = entries[id] else { return nil }
            let state: ModelStatus.State =
                if let copy = entry.copy {
                    !copy.isReady ? .loading : copy.users > 0 ? .busy : .ready
                } else if entry.isOpening {
                    .loading
                } else if departing.values.contains(where: { $0.model == id }) {
                    .unloading
                } else if let failure = entry.failure {
                    .failed(failure.failure)
                } else {
                    .unloaded
                }
            return ModelStatus(
                model: entry.model, state: state,
                bytes: (entry.copy?.bytes ?? 0)
                    + departing.values.reduce(0) { $1.model == id ? $0 + $1.copy.bytes : $0 },
                loadSeconds: entry.loadSeconds, lastUsed: entry.lastUsed)
        }
    }

    private mutating func add(_ model: ModelDescription) {
        // The configuration refuses two models of one name; the first one would win.
        guard entries[model.id] == nil else { return }
        order.append(model.id)
        entries[model.id] = Entry(model: model)
    }
}
