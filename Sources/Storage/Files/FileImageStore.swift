internal import Dispatch
internal import Foundation
package import Generation
internal import Glibc

/// Pictures as files of one folder: `3f1c.../0.png` is that path below it.
///
/// Reading and writing wait for the disk on threads of their own, not on Swift's.
package struct FileImageStore: ImageStore {
    /// Where the pictures are.
    package let folder: String
    private let queue = DispatchQueue(label: "gesso.pictures", qos: .userInitiated, attributes: .concurrent)

    /// Makes the folder if need be, tries to write into it, and removes what a crash left half written.
    /// - Throws: `cannot_run` when the folder cannot be made or written.
    package init(folder: String) throws(Failure) {
        self.folder = URL(fileURLWithPath: folder).path
        do {
            try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                .cannotRun,
                "the picture folder \(folder) cannot be made: \(error.localizedDescription)")
        }
        do {
            let trial = "\(self.folder)/.gesso-trial"
            try PictureFile.write([0], to: trial, in: self.folder)
            _ = unlink(trial)
        } catch {
            throw Failure(.cannotRun, "the picture folder \(folder) cannot be used: \(error.message)")
        }
        sweep()
    }

    /// One level of folders: keys have no more.
    private func sweep() {
        // A folder that vanishes or cannot be listed holds nothing of this store.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        PictureFile.sweep(folder, names: names)
        for name in names where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            let inside = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            PictureFile.sweep(path, names: inside)
        }
    }

    package func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        guard contentType == PictureType.of(key) else {
            throw Failure(
                .deliveryFailed,
                "the picture \(key) cannot be stored as \(contentType): its name's ending says \(PictureType.of(key))"
            )
        }
        try await onDisk { () throws(FileError) in
            try write(bytes, at: key, tries: 3)
        }
    }

    private func write(_ bytes: [UInt8], at key: ImageKey, tries: Int) throws(FileError) {
        let (path, parent) = place(of: key)
        do throws(FileError) {
            if parent != folder { try makeFolder(parent) }
            try PictureFile.write(bytes, to: path, in: parent)
        } catch {
            // The removal of the job's last picture may have taken the empty folder away in between.
            guard error.code == ENOENT, tries > 1 else { throw error }
            try write(bytes, at: key, tries: tries - 1)
        }
    }

    package func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        let found = try await onDisk { () throws(FileError) in
            try PictureFile.read(place(of: key).path, range: range)
        }
        return found.map {
            ImageBytes(bytes: $0.bytes, total: $0.total, contentType: PictureType.of(key), tag: $0.tag)
        }
    }

    package func address(of key: ImageKey, lifetime: Int) async throws -> String? { nil }

    package func remove(_ keys: [ImageKey]) async throws {
        try await onDisk { () throws(FileError) in
            for key in keys {
                let (path, parent) = place(of: key)
                guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else {
                    throw FileError("remove", path)
                }
                // Only the last picture's removal succeeds here.
                if parent != folder { _ = rmdir(parent) }
            }
        }
    }

    /// A key's file, and the folder that it is in. A key holds no step up and no hidden name, so that the file is below
    /// this store's folder.
    private func place(of key: ImageKey) -> (path: String, folder: String) {
        guard let slash = key.text.firstIndex(of: "/") else { return ("\(folder)/\(key.text)", folder) }
        return ("\(folder)/\(key.text)", "\(folder)/\(key.text[..<slash])")
    }

    private func makeFolder(_ path: String) throws(FileError) {
        guard mkdir(path, 0o755) == 0 else {
            if errno == EEXIST { return }
            throw FileError("make", path)
        }
        try PictureFile.synchronize(folder)
    }

    private func onDisk<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(FileError) -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                do throws(FileError) {
                    continuation.resume(returning: try body())
                } catch {
                    continuation.resume(
                        throwing: Failure(.deliveryFailed, "the picture store \(error.message)"))
                }
            }
        }
    }
}
