internal import Foundation
internal import Generation
internal import Imaging

/// Puts several files into their places: all of them or none.
///
/// Each is first written whole under a hidden name in its folder; only when all are there do they get their names, so
/// that a full disk costs nothing that was there before.
struct PictureFiles {
    /// Whether files of the same name are replaced; if not, the new ones get a number.
    let replaces: Bool
    /// Turns a path as typed into one that the system finds.
    let resolve: (String) -> String

    private var staged: [(hidden: String, path: String)] = []

    init(replaces: Bool, resolve: @escaping (String) -> String) {
        self.replaces = replaces
        self.resolve = resolve
    }

    /// Writes one file under a hidden name.
    mutating func stage(_ bytes: [UInt8], for path: String) throws(Failure) {
        let place = destination(path)
        let slash = place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex
        let hidden = place[..<slash] + ".gesso-\(getpid())-\(UInt64.random(in: .min ... .max)).tmp"
        do {
            try FileOutput.write(bytes, to: String(hidden))
        } catch ImagingError.file(_, let operation, let reason) {
            throw Failure(.cannotRun, "cannot write \(path): \(operation) failed: \(reason)", field: "output")
        } catch {
            throw Failure(.cannotRun, "\(error)", field: "output")
        }
        staged.append((String(hidden), path))
    }

    /// Gives all files their names.
    /// - Returns: The paths they have now, as typed.
    mutating func place() throws(Failure) -> [String] {
        var placed: [String] = []
        do throws(Failure) {
            for (hidden, path) in staged { placed.append(try place(hidden, path)) }
        } catch {
            for path in placed { unlink(resolve(path)) }
            discard()
            throw error
        }
        staged = []
        return placed
    }

    /// Removes what was staged and not placed.
    mutating func discard() {
        for (hidden, _) in staged { unlink(hidden) }
        staged = []
    }

    private func place(_ hidden: String, _ path: String) throws(Failure) -> String {
        if replaces {
            guard rename(hidden, destination(path)) == 0 else { throw Self.failure(path) }
            return path
        }
        for number in 1...10_000 {
            let name = number == 1 ? path : OutputPlan.numbered(path, number)
            if try move(hidden, toFree: resolve(name)) { return name }
        }
        throw Failure(
            .cannotRun, "cannot write \(path): 10,000 files of that name are there", field: "output")
    }

    /// Renames unless the name is taken, in one go where the file system can: two programs may look for a name at once.
    /// - Returns: False when the name is taken.
    private func move(_ hidden: String, toFree name: String) throws(Failure) -> Bool {
        if link(hidden, name) == 0 {
            unlink(hidden)
            return true
        }
        switch errno {
        case EEXIST: return false
        case EPERM, EOPNOTSUPP, ENOSYS, EMLINK:
            // A file system without hard links.
            guard access(name, F_OK) != 0 else { return false }
            guard rename(hidden, name) == 0 else { throw Self.failure(name) }
            return true
        default: throw Self.failure(name)
        }
    }

    /// Where the file lies that a path names: a symbolic link stays one, the file it leads to is replaced.
    private func destination(_ path: String) -> String {
        let path = resolve(path)
        guard replaces, let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func failure(_ path: String) -> Failure {
        Failure(.cannotRun, "cannot write \(path): \(String(cString: strerror(errno)))", field: "output")
    }
}
