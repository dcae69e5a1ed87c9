internal import Crypto
package import Foundation
package import Generation
internal import Synchronization

/// An API key as it is kept: its hash, never the key.
package struct KeyRecord: Sendable, Equatable, Codable {
    package let name: String
    /// SHA-256 of the key, hexadecimal. A key is 256 random bits: nothing slower is needed against guessing.
    package let sha256: String
    package let created: Date
    package var roles: Set<Caller.Role>
    package var limits: CallerLimits
    package var revoked: Date?

    package var isRevoked: Bool { revoked != nil }
}

/// The file of API keys: JSON, readable by its owner alone, written whole or not at all, read anew when it has changed.
///
/// The same file serves `gesso keys` and a running server: a key that is revoked stops working within a second.
package final class KeyStore: Sendable {
    private struct File: Codable {
        var version = 1
        var keys: [KeyRecord]
    }

    /// What tells a changed file: a new one has another inode, a written one another time or size.
    private struct Mark: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    private struct State {
        var keys: [KeyRecord] = []
        var mark: Mark?
        var looked: ContinuousClock.Instant?
    }

    private let path: String
    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant
    /// Told of a file that changed and cannot be read: the keys of before stay good.
    private let onTrouble: @Sendable (Failure) -> Void

    /// Opens a key file; one that is not there holds no keys.
    /// - Throws: ``Generation/Failure`` `cannot_run` when it is there and cannot be read, is no key file, or others may
    ///   read it.
    package init(
        path: String, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        onTrouble: @escaping @Sendable (Failure) -> Void = { _ in }
    ) throws(Failure) {
        self.path = path
        self.now = now
        self.onTrouble = onTrouble
        let loaded = try Self.load(path)
        state.withLock { $0 = State(keys: loaded.keys, mark: loaded.mark, looked: now()) }
    }

    /// All keys, in the order they were made.
    package var keys: [KeyRecord] {
        refresh()
        return state.withLock { $0.keys }
    }

    /// Whose key it is; nil when it is unknown or revoked. Compares every key's hash in constant time.
    package func caller(forKey key: String) -> Caller? {
        refresh()
        guard key.utf8.count <= 256 else { return nil }
        let digest = Self.hash(key)
        return state.withLock { state in
            var found: KeyRecord?
            for record in state.keys where Self.areEqual(record.sha256, digest) && !record.isRevoked {
                found = record
            }
            return found.map { Caller(name: $0.name, roles: $0.roles, limits: $0.limits) }
        }
    }

    /// Makes a key.
    /// - Returns: The key itself. It is not kept: this is the only time that it is seen.
    /// - Throws: ``Generation/Failure``: a name that is no name or is taken; a file that cannot be written.
    package func add(
        name: String, roles: Set<Caller.Role>, limits: CallerLimits = CallerLimits(), at date: Date = Date()
    ) throws(Failure) -> String {
        guard JobID(name) != nil, name != "local", name != "anyone" else {
            throw .badRequest(
                "name",
                "'\(name)' can't name a key: 1 to 64 letters, digits, '-', '_' and '.', not beginning with a point, "
                    + "and neither 'local' nor 'anyone'")
        }
        guard !roles.isEmpty else { throw .badRequest("roles", "a key needs a role: generate or admin") }
        if let jobs = limits.jobs, !(1...200).contains(jobs) {
            throw .badRequest("jobs", "the limit of jobs is \(jobs), it must be from 1 to 200")
        }
        if let calls = limits.callsPerMinute, !(1...1_000_000).contains(calls) {
            throw .badRequest(
                "calls per minute", "the limit is \(calls) calls a minute, it must be from 1 to 1000000")
        }
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next().bigEndian) { Array($0) } }
        let key = "gesso_" + secret.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try change { (keys: inout [KeyRecord]) throws(Failure) in
            // A revoked key's name stays its own: jobs still carry it.
            guard !keys.contains(where: { $0.name == name }) else {
                throw .badRequest(
                    "name", "there is a key named '\(name)' already; revoked ones keep their name")
            }
            keys.append(
                KeyRecord(
                    name: name, sha256: Self.hash(key), created: date, roles: roles, limits: limits,
                    revoked: nil))
        }
        return key
    }

    /// Ends a key for good.
    /// - Returns: False where no key has that name.
    package func revoke(name: String, at date: Date = Date()) throws(Failure) -> Bool {
        var isFound = false
        try change { (keys: inout [KeyRecord]) throws(Failure) in
            for index in keys.indices where keys[index].name == name {
                isFound = true
                keys[index].revoked = keys[index].revoked ?? date
            }
        }
        return isFound
    }

    private func change(_ body: (inout [KeyRecord]) throws(Failure) -> Void) throws(Failure) {
        // Two programs may change the file at once: whoever holds this lock reads it again first.
        let lock = open(path + ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.failure(path, "cannot be locked", errno) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw Self.failure(path, "cannot be locked", errno) }
        var keys = try Self.load(path).keys
        try body(&keys)
        try Self.write(keys, path)
        let loaded = try Self.load(path)
        let time = now()
        state.withLock { $0 = State(keys: loaded.keys, mark: loaded.mark, looked: time) }
    }

    /// Looks at most once a second whether the file has changed.
    private func refresh() {
        let time = now()
        let mark = state.withLock { state -> Mark?? in
            if let looked = state.looked, time - looked < .seconds(1) { return nil }
            state.looked = time
            return .some(state.mark)
        }
        guard let mark, Self.mark(path) != mark else { return }
        do throws(Failure) {
            let loaded = try Self.load(path)
            state.withLock { state in (state.keys, state.mark) = (loaded.keys, loaded.mark) }
        } catch {
            onTrouble(error)
        }
    }

    private static func hash(_ key: String) -> String {
        SHA256.hash(data: Data(key.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Takes the same time wherever two texts differ.
    static func areEqual(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func mark(_ path: String) -> Mark? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Mark(
            inode: UInt64(facts.st_ino), size: Int64(facts.st_size), seconds: facts.st_mtim.tv_sec,
            nanoseconds: facts.st_mtim.tv_nsec)
    }

    private static func load(_ path: String) throws(Failure) -> (keys: [KeyRecord], mark: Mark?) {
        // Before the reading: a file that changes meanwhile is read again.
        guard let mark = mark(path) else {
            guard errno == ENOENT else { throw failure(path, "cannot be read", errno) }
            return ([], nil)
        }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & 0o077 == 0 else {
            throw Failure(
                .cannotRun, "the key file \(path) may be read by others: 'chmod 600' it", field: "key file")
        }
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            let file = try decoder.decode(File.self, from: data)
            guard file.version == 1 else {
                throw Failure(
                    .cannotRun,
                    "the key file \(path) is of version \(file.version), this program knows version 1",
                    field: "key file")
            }
            return (file.keys, mark)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.cannotRun, "the key file \(path) can't be read: \(error)", field: "key file")
        }
    }

    /// Writes a file beside it, forces it to the disk, and gives it the name.
    private static func write(_ keys: [KeyRecord], _ path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let data: Data
        do { data = try encoder.encode(File(keys: keys)) } catch {
            throw Failure(.cannotRun, "the key file \(path) can't be written: \(error)", field: "key file")
        }
        let hidden = path + ".\(getpid()).tmp"
        let file = open(hidden, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path, "cannot be written", errno) }
        let isWhole = data.withUnsafeBytes { bytes -> Bool in
            var written = 0
            while written < bytes.count {
                let count = Foundation.write(
                    file, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                guard count > 0 else { return false }
                written += count
            }
            return fchmod(file, 0o600) == 0 && fsync(file) == 0
        }
        let reason = errno
        close(file)
        guard isWhole, rename(hidden, path) == 0 else {
            let reason = isWhole ? errno : reason
            unlink(hidden)
            throw failure(path, "cannot be written", reason)
        }
    }

    private static func failure(_ path: String, _ what: String, _ reason: Int32) -> Failure {
        Failure(
            .cannotRun, "the key file \(path) \(what): \(String(cString: strerror(reason)))",
            field: "key file")
    }
}
