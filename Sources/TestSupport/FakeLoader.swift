package import Generation
internal import Synchronization

/// Opens models that are nothing but a name and a size, and keeps account of which of them are in memory.
///
/// A worker takes its bytes when it is loaded or first paints, as a real one reads its weights then, and gives them back when
/// the last reference to it is gone.
package final class FakeLoader: ModelLoader {
    /// What was opened, is loaded, and was most at once.
    package struct Account: Sendable, Equatable {
        package var opened: [String] = []
        package var loaded: [String] = []
        /// Workers that exist, painting or not.
        package var workers = 0
        package var bytes = 0
        package var mostBytes = 0
        /// Models in the order in which they were read into memory.
        package var reads: [String] = []
    }

    package typealias Body =
        @Sendable (ModelDescription, Request, @escaping @Sendable (Progress) -> Void) async throws
        -> Generation.Result

    private let ledger = Ledger()
    private let sizes: [String: Int]
    private let peaks: [String: Int]
    private let workingBytes: Int
    private let memory: FakeMemory?
    private let planning: @Sendable (ModelDescription) async throws -> Void
    private let opening: @Sendable (ModelDescription) async throws -> Void
    private let body: Body

    /// - Parameters: `sizes`: bytes of models by id, 1000 where nothing is said; `peaks`: bytes at their widest moment, where
    ///   that is more; `memory`: of a machine on which a model that does not fit is read block by block and keeps a
    ///   tenth; `body`: what happens when one paints, warm-up included (its prompt is `warm-up`); `planning`, `opening`: what
    ///   happens when one is planned or opened.
    package init(
        sizes: [String: Int] = [:], peaks: [String: Int] = [:], workingBytes: Int = 1000,
        memory: FakeMemory? = nil,
        body: @escaping Body = { _, request, _ in FakeWorker.paint(request) },
        planning: @escaping @Sendable (ModelDescription) async throws -> Void = { _ in },
        opening: @escaping @Sendable (ModelDescription) async throws -> Void = { _ in }
    ) {
        self.sizes = sizes
        self.peaks = peaks
        self.memory = memory
        self.planning = planning
        self.workingBytes = workingBytes
        self.opening = opening
        self.body = body
    }

    package var account: Account { ledger.account }

    /// Sets what happens when a model that was read is let go.
    package func whenLetGo(_ body: @escaping @Sendable (String) -> Void) { ledger.whenLetGo(body) }

    package func plan(_ model: ModelDescription, in room: MemoryRoom) async throws -> PlannedModel {
        try await planning(model)
        let bytes = sizes[model.id] ?? 1000
        let allowance = room.allowance(free: memory.map { $0.bytes - account.bytes })
        if memory != nil, bytes > allowance {
            return PlannedModel(
                plan: "paged in \(allowance)", bytes: bytes / 10, peakBytes: bytes / 10, allowance: allowance)
        }
        return PlannedModel(
            plan: "whole", bytes: bytes, peakBytes: peaks[model.id] ?? bytes, allowance: allowance)
    }

    package func open(_ model: ModelDescription, as planned: PlannedModel) async throws -> any Worker {
        try await opening(model)
        ledger.change { $0.opened.append(model.id) }
        return LoadedFake(model, bytes: planned.bytes, workingBytes, ledger, body)
    }
}

/// A machine's memory, models included; a test may change how much there is.
package final class FakeMemory: Sendable {
    private let state: Mutex<Int>

    package init(_ bytes: Int) { state = Mutex(bytes) }

    package var bytes: Int {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

private final class Ledger: Sendable {
    private let state = Mutex(FakeLoader.Account())
    private let hook = Mutex<@Sendable (String) -> Void>({ _ in })

    func whenLetGo(_ body: @escaping @Sendable (String) -> Void) { hook.withLock { $0 = body } }

    func letGo(_ model: String) { hook.withLock { $0 }(model) }

    var account: FakeLoader.Account { state.withLock { $0 } }

    func change(_ body: (inout FakeLoader.Account) -> Void) { state.withLock { body(&$0) } }
}

private final class LoadedFake: Worker {
    private let model: ModelDescription
    private let bytes: Int
    private let workingBytes: Int
    private let ledger: Ledger
    private let body: FakeLoader.Body
    private let isRead = Mutex(false)

    init(
        _ model: ModelDescription, bytes: Int, _ workingBytes: Int, _ ledger: Ledger,
        _ body: @escaping FakeLoader.Body
    ) {
        self.model = model
        self.bytes = bytes
        self.workingBytes = workingBytes
        self.ledger = ledger
        self.body = body
        ledger.change { $0.workers += 1 }
    }

    deinit {
        let wasRead = isRead.withLock { $0 }
        ledger.change { account in
            account.workers -= 1
            guard wasRead else { return }
            account.bytes -= bytes
            if let index = account.loaded.firstIndex(of: model.id) { account.loaded.remove(at: index) }
        }
        if wasRead { ledger.letGo(model.id) }
    }

    func run(
        _ request: Request, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Generation.Result {
        try Task.checkCancellation()
        read()
        return try await body(model, request, progress)
    }

    func load() async throws { read() }

    private func read() {
        let isFirst = isRead.withLock { isRead in
            defer { isRead = true }
            return !isRead
        }
        if isFirst {
            ledger.change { account in
                account.bytes += bytes
                account.mostBytes = max(account.mostBytes, account.bytes)
                account.loaded.append(model.id)
                account.reads.append(model.id)
            }
        }
    }

    func examine(_ request: Request) async throws -> Examination {
        var examination = try await FakeWorker().examine(request)
        examination.modelBytes = bytes
        examination.workingBytes = workingBytes
        return examination
    }
}
