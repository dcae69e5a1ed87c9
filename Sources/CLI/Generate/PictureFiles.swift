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

    /// What waits under a hidden name, and where it goes.
    private struct Staged {
        let path: String
        let hidden: String
        /// The hidden name of the picture's latents.
        let hiddenLatents: String?
    }

    private var staged: [Staged] = []

    init(replaces: Bool, resolve: @escaping (String) -> String) {
        self.replaces = replaces
        self.resolve = resolve
    }

    /// Writes one picture, and its latents if there are any, under hidden names.
    mutating func stage(_ bytes: [UInt8], for path: String, latents: [UInt8]? = nil) throws(Failure) {
        let hidden = try write(bytes, hiddenBeside: path)
        // Known before anything else can fail, so that it is removed then.
        staged.append(Staged(path: path, hidden: hidden, hiddenLatents: nil))
        guard let latents else { return }
        let hiddenLatents = try write(latents, hiddenBeside: LatentsFile.path(beside: path))
        staged[staged.count - 1] = Staged(path: path, hidden: hidden, hiddenLatents: hiddenLatents)
    }

    /// Gives all files their names.
    /// - Returns: The pictures' paths, as typed; latents lie beside them.
    mutating func place() throws(Failure) -> [String] {
        var placed: [String] = []
        var pictures: [String] = []
        do throws(Failure) {
            for file in staged { pictures.append(try place(file, &placed)) }
        } catch {
            for path in placed { unlink(resolve(path)) }
            discard()
            throw error
        }
        staged = []
        return pictures
    }

    /// Removes what was staged and not placed.
    mutating func discard() {
        for file in staged {
            unlink(file.hidden)
            if let latents = file.hiddenLatents { unlink(latents) }
        }
        staged = []
    }

    /// - Parameter placed: Gets each name that now stands for a new file.
    private func place(_ file: Staged, _ placed: inout [String]) throws(Failure) -> String {
        if replaces {
            for (hidden, path) in names(file, as: file.path) {
                guard rename(hidden, destination(path)) == 0 else { throw Self.failure(path, errno) }
                placed.append(path)
            }
            return file.path
        }
        for number in 1...10_000 {
            let path = number == 1 ? file.path : OutputPlan.numbered(file.path, number)
            if try claim(names(file, as: path)) {
                placed += names(file, as: path).map(\.path)
                return path
            }
        }
        throw Failure(
            .cannotRun, "cannot write \(file.path): 10,000 files of that name are there", field: "output")
    }

    private func names(_ file: Staged, as path: String) -> [(hidden: String, path: String)] {
        [(file.hidden, path)] + (file.hiddenLatents.map { [($0, LatentsFile.path(beside: path))] } ?? [])
    }

    /// Gives files names that nobody has, in one go where the file system can: two programs may look for a name at once.
    /// - Returns: False, with nothing done, when one of them is taken.
    private func claim(_ names: [(hidden: String, path: String)]) throws(Failure) -> Bool {
        var linked: [String] = []
        for (hidden, path) in names {
            guard link(hidden, resolve(path)) != 0 else {
                linked.append(resolve(path))
                continue
            }
            let reason = errno
            for name in linked { unlink(name) }
            switch reason {
            case EEXIST: return false
            case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: return try claimWithoutLinks(names)
            default: throw Self.failure(path, reason)
            }
        }
        for (hidden, _) in names { unlink(hidden) }
        return true
    }

    /// The same where the file system has no hard links: there, looking first must do.
    private func claimWithoutLinks(_ names: [(hidden: String, path: String)]) throws(Failure) -> Bool {
        guard names.allSatisfy({ access(resolve($0.path), F_OK) != 0 }) else { return false }
        var renamed: [String] = []
        for (hidden, path) in names {
            guard rename(hidden, resolve(path)) == 0 else {
                let reason = errno
                for name in renamed { unlink(name) }
                throw Self.failure(path, reason)
            }
            renamed.append(resolve(path))
        }
        return true
    }

    /// Writes a file under a hidden name in the folder of `path`.
    private func write(_ bytes: [UInt8], hiddenBeside path: String) throws(Failure) -> String {
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
        return String(hidden)
    }

    /// Where the file lies that a path names: a symbolic link stays one, the file it leads to is replaced.
    private func destination(_ path: String) -> String {
        let path = resolve(path)
        guard replaces, let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func failure(_ path: String, _ reason: Int32) -> Failure {
        Failure(.cannotRun, "cannot write \(path): \(String(cString: strerror(reason)))", field: "output")
    }
}
