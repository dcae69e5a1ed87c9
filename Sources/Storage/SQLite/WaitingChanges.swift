internal import GRDB
internal import Synchronization

/// One change of the database that somebody waits for.
struct Change: Sendable {
    /// Makes the change, and says what to do when it is on the disk.
    let make: @Sendable (Database) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
}

/// Changes that wait for the writer, in their order.
final class WaitingChanges: Sendable {
    private let waiting = Mutex<[Change]>([])

    /// - Returns: Whether it is the first, so that somebody must come for it.
    func add(_ change: Change) -> Bool {
        waiting.withLock { waiting in
            waiting.append(change)
            return waiting.count == 1
        }
    }

    func takeAll() -> [Change] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

extension [Change] {
    /// So many changes share a transaction at most: the first waits for the last.
    private static var most: Int { 64 }

    /// Makes all of them, those that can be together in one transaction.
    func run(_ db: Database) {
        var rest = self[...]
        while !rest.isEmpty {
            let together = rest.prefix(Self.most)
            rest = rest.dropFirst(Self.most)
            if together.count > 1, Self.runTogether(together, db) { continue }
            for change in together { Self.runAlone(change, db) }
        }
    }

    /// False when nothing was made, because the transaction as a whole failed: one of them may fill the disk for all.
    private static func runTogether(_ changes: ArraySlice<Change>, _ db: Database) -> Bool {
        var answers: [@Sendable () -> Void] = []
        do {
            try db.inTransaction(.immediate) {
                for change in changes {
                    do {
                        var then: (@Sendable () -> Void)?
                        try db.inSavepoint {
                            then = try change.make(db)
                            return .commit
                        }
                        if let then { answers.append(then) }
                    } catch {
                        // SQLite undoes the whole transaction on some errors.
                        guard db.isInsideTransaction else { throw error }
                        answers.append { change.fail(error) }
                    }
                }
                return .commit
            }
        } catch {
            return false
        }
        for answer in answers { answer() }
        return true
    }

    private static func runAlone(_ change: Change, _ db: Database) {
        do {
            var then: (@Sendable () -> Void)?
            try db.inTransaction(.immediate) {
                then = try change.make(db)
                return .commit
            }
            then?()
        } catch {
            change.fail(error)
        }
    }
}
