package import Generation
internal import Synchronization

/// Opens models that are nothing but a name and a size, and keeps account of which of them are in memory.
///
/// A worker takes its bytes when it first paints, as a real one reads its weights then, and gives them back when the last
/// reference to it is gone.
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
    private let workingBytes: Int
    private let opening: @Sendable (ModelDescription) async throws -> Void
    private let body: Body

    /// - Parameters: `sizes`: bytes of models by id, 1000 where nothing is said; `body`: what happens when one
    ///   paints, warm-up included (its prompt is `warm-up`); `opening`: what happens when one is opened.
    package init(
        sizes: [String: Int] = [:], workingBytes: Int = 1000,
        body: @escaping Body = { _, request, _ in FakeWorker.paint(request) },
        opening: @escaping @Sendable (ModelDescription) async throws -> Void = { _ in }
    ) {
        self.sizes = sizes
        self.workingBytes = workingBytes
        self.opening = opening
        self.body = body
    }

    package var account: Account { ledger.account }

    package func bytes(_ model: ModelDescription) async throws -> Int { sizes[model.id] ?? 1000 }

    package func open(_ model: ModelDescription) async throws -> any Worker {
        try await opening(model)
        ledger.change { $0.opened.append(model.id) }
        return LoadedFake(model, bytes: sizes[model.id] ?? 1000, workingBytes, ledger, body)
    }
}

private final class Ledger: Sendable {
    private let state = Mutex(FakeLoader.Account())

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
    }

    func run(
        _ request: Request, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Generation.Result {
        try Task.checkCancellation()
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
        return try await body(model, request, progress)
    }

    func load() async throws {}

    func examine(_ request: Request) async throws -> Examination {
        var examination = try await FakeWorker().examine(request)
        examination.modelBytes = bytes
        examination.workingBytes = workingBytes
        return examination
    }
}
