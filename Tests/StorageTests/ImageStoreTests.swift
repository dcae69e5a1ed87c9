import Foundation
import Generation
import TestSupport
import Testing

@testable import Storage

/// The stores that keep the one contract.
enum ImageStores: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, files, s3

    var testDescription: String { rawValue }

    /// Runs a test with an empty store.
    func with(_ body: (any ImageStore) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(MemoryImageStore())
        case .files:
            let folder = temporaryFolder()
            defer { removeFolder(of: folder + "/x") }
            try await body(FileImageStore(folder: folder))
        case .s3: try await body(S3ImageStore(SeaweedFS.shared.settings()))
        }
    }
}

/// Pictures in, pictures out: the same in every store.
@Suite struct ImageStoreTests {
    private let bytes = (0..<1000).map { UInt8($0 % 251) }

    @Test(arguments: ImageStores.allCases)
    func `a picture comes back as it was put`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            let kept = key("job-1.a_B/0.png")
            #expect(try await store.get(kept, range: nil) == nil)
            try await store.put(bytes, contentType: "image/png", at: kept)
            let whole = try #require(try await store.get(kept, range: nil))
            #expect(whole.bytes == bytes && whole.total == 1000 && whole.contentType == "image/png")
            #expect(!whole.tag.isEmpty && !whole.tag.contains("\""))
            #expect(try await store.get(kept, range: nil) == whole)
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `every type of picture keeps its type`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            for (name, type) in [
                ("a/0.png", "image/png"), ("a/0.jpg", "image/jpeg"), ("a/0.webp", "image/webp"),
                ("alone.jpeg", "image/jpeg"),
            ] {
                try await store.put([1, 2, 3], contentType: type, at: key(name))
                let found = try await store.get(key(name), range: nil)
                #expect(found?.contentType == type, "\(name)")
                #expect(found?.bytes == [1, 2, 3])
            }
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `parts come back, cut at the picture's end`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            try await store.put(bytes, contentType: "image/png", at: key("a/0.png"))
            let tag = try await store.get(key("a/0.png"), range: nil)?.tag
            for range in [
                0..<1, 0..<1000, 10..<20, 999..<1000, 0..<5000, 990..<2000, 5..<5, 1000..<1001, 2000..<3000,
                0..<Int.max, -5..<3,
            ] {
                let part = try #require(try await store.get(key("a/0.png"), range: range), "\(range)")
                #expect(part.bytes == Array(bytes[range.clamped(to: 0..<1000)]), "\(range)")
                #expect(part.total == 1000 && part.contentType == "image/png" && part.tag == tag, "\(range)")
            }
            #expect(try await store.get(key("a/1.png"), range: 0..<5) == nil)
            #expect(try await store.get(key("a/1.png"), range: 5..<5) == nil)
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `a picture is replaced whole, and its tag with it`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            try await store.put(bytes, contentType: "image/png", at: key("a/0.png"))
            let first = try await store.get(key("a/0.png"), range: nil)
            try await store.put(Array(bytes.reversed()), contentType: "image/png", at: key("a/0.png"))
            let second = try await store.get(key("a/0.png"), range: nil)
            #expect(second?.bytes == bytes.reversed())
            #expect(first?.tag != second?.tag)
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `pictures are removed, those that are not there passed over`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            let keys = (0..<12).map { key("a/\($0).png") }
            for key in keys { try await store.put([1], contentType: "image/png", at: key) }
            try await store.put([2], contentType: "image/png", at: key("b/0.png"))
            try await store.remove(Array(keys.dropLast()) + [key("none"), key("none/0.png"), keys[0]])
            for key in keys.dropLast() { #expect(try await store.get(key, range: nil) == nil) }
            #expect(try await store.get(keys[11], range: nil)?.bytes == [1])
            try await store.remove([keys[11]])
            try await store.put([3], contentType: "image/png", at: keys[0])
            #expect(try await store.get(keys[0], range: nil)?.bytes == [3])
            #expect(try await store.get(key("b/0.png"), range: nil)?.bytes == [2])
            try await store.remove([])
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `an empty picture and a large one are kept`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            try await store.put([], contentType: "image/png", at: key("a/0.png"))
            #expect(try await store.get(key("a/0.png"), range: nil)?.total == 0)
            #expect(try await store.get(key("a/0.png"), range: 0..<5)?.bytes == [])
            let large = (0..<9_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try await store.put(large, contentType: "image/png", at: key("a/1.png"))
            let isSame = try await store.get(key("a/1.png"), range: nil)?.bytes == large
            #expect(isSame)
            #expect(
                try await store.get(key("a/1.png"), range: 8_999_990..<9_999_999)?.bytes
                    == Array(large.suffix(10)))
        }
    }

    @Test(arguments: ImageStores.allCases)
    func `many at once do not disturb each other`(_ stores: ImageStores) async throws {
        try await stores.with { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<24 {
                    group.addTask {
                        let own = key("job\(index % 3)/\(index).png")
                        let bytes = [UInt8](repeating: UInt8(index), count: 10_000 + index)
                        try await store.put(bytes, contentType: "image/png", at: own)
                        #expect(try await store.get(own, range: nil)?.bytes == bytes)
                        if index % 2 == 0 { try await store.remove([own]) }
                    }
                }
                try await group.waitForAll()
            }
            for index in 0..<24 {
                let found = try await store.get(key("job\(index % 3)/\(index).png"), range: nil)
                #expect((found == nil) == (index % 2 == 0))
            }
        }
    }
}
