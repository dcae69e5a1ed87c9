internal import Crypto
package import Generation
internal import Synchronization

/// Pictures in memory: for tests, and for a server that is to keep nothing.
package final class MemoryImageStore: ImageStore {
    private struct Picture {
        let bytes: [UInt8]
        let contentType: String
        let tag: String
    }

    private let pictures = Mutex<[ImageKey: Picture]>([:])

    package init() {}

    package func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        let tag = SHA256.hash(data: bytes).prefix(16).hexadecimal
        pictures.withLock {
            $0[key] = Picture(bytes: bytes, contentType: contentType, tag: tag)
        }
    }

    package func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        guard let picture = pictures.withLock({ $0[key] }) else { return nil }
        let whole = picture.bytes.indices
        return ImageBytes(
            bytes: Array(picture.bytes[range?.clamped(to: whole) ?? whole]), total: picture.bytes.count,
            contentType: picture.contentType, tag: picture.tag)
    }

    package func address(of key: ImageKey, lifetime: Int) async throws -> String? { nil }

    package func remove(_ keys: [ImageKey]) async throws {
        pictures.withLock { pictures in
            for key in keys { pictures[key] = nil }
        }
    }
}
