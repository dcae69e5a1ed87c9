import AsyncHTTPClient
import Foundation
import Generation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Storage

/// Against a real store: signatures, prefixes, addresses, refusals.
@Suite struct S3ImageStoreTests {
    private func refusal(
        _ settings: S3Settings, _ surroundings: S3ImageStore.Surroundings = .init(),
        _ body: (S3ImageStore) async throws -> Void = { store in
            try await store.put([1], contentType: "image/png", at: key("job/0.png"))
        }
    ) async throws -> String {
        let store = try S3ImageStore(settings, surroundings)
        let error = await #expect(throws: Failure.self) { try await body(store) }
        #expect(error?.code == .deliveryFailed)
        return error?.message ?? ""
    }

    private func fetch(_ address: String) async throws -> (status: Int, bytes: [UInt8]) {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: address), timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), Array(body.readableBytesView))
    }

    @Test func `a client gets the picture by its address, and nobody by a changed one`() async throws {
        let store = try await S3ImageStore(SeaweedFS.shared.settings(prefix: "my pictures/ü+[1]/"))
        try await store.put([1, 2, 3], contentType: "image/png", at: key("job/0.png"))
        let address = try #require(try await store.address(of: key("job/0.png"), lifetime: 600))
        #expect(address.contains("/pictures/my%20pictures/%C3%BC%2B%5B1%5D/job/0.png?X-Amz-Algorithm="))
        let found = try await fetch(address)
        #expect(found.status == 200 && found.bytes == [1, 2, 3])
        #expect(try await fetch(address.replacingOccurrences(of: "0.png", with: "1.png")).status == 403)
        #expect(
            try await fetch(address.replacingOccurrences(of: "Expires=600", with: "Expires=900")).status
                == 403)
        #expect(try await fetch(String(address.prefix { $0 != "?" })).status == 403)
    }

    @Test func `an address ends`() async throws {
        let settings = try await SeaweedFS.shared.settings()
        try await S3ImageStore(settings).put([1], contentType: "image/png", at: key("job/0.png"))
        let earlier = try S3ImageStore(settings, .init(now: { Date().addingTimeInterval(-120) }))
        let over = try #require(try await earlier.address(of: key("job/0.png"), lifetime: 60))
        #expect(try await fetch(over).status == 403)
        let holds = try #require(try await earlier.address(of: key("job/0.png"), lifetime: 604_800))
        #expect(try await fetch(holds).status == 200)
        for lifetime in [0, -1, 604_801] {
            await #expect(throws: Failure.self) {
                try await earlier.address(of: key("a"), lifetime: lifetime)
            }
        }
    }

    @Test func `the endpoint may have the bucket in it`() async throws {
        let settings = try await SeaweedFS.shared.settings()
        try await S3ImageStore(settings).put([7], contentType: "image/png", at: key("job/0.png"))
        var inPath = settings
        inPath.endpoint += "/pictures"
        #expect(try await S3ImageStore(inPath).get(key("job/0.png"), range: nil)?.bytes == [7])
        inPath.bucket = nil
        #expect(try await S3ImageStore(inPath).get(key("job/0.png"), range: nil)?.bytes == [7])
    }

    @Test func `a wrong secret is refused with its reason`() async throws {
        var settings = try await SeaweedFS.shared.settings()
        settings.secretKey += "x"
        let words = try await refusal(settings)
        #expect(words.contains("the signature is refused: is the secret key right"), "\(words)")
    }

    @Test func `an unknown access key is refused with its reason`() async throws {
        var settings = try await SeaweedFS.shared.settings()
        settings.accessKey = "nobody"
        let words = try await refusal(settings)
        #expect(words.contains("the access key is not known there"), "\(words)")
    }

    @Test func `a wrong clock is refused with its reason`() async throws {
        let settings = try await SeaweedFS.shared.settings()
        let words = try await refusal(settings, .init(now: { Date().addingTimeInterval(-3600) }))
        #expect(words.contains("this machine's clock is 3"), "\(words)")
        #expect(words.contains("set the clock"))
    }

    @Test func `a key without the right to write is refused with its reason`() async throws {
        var settings = try await SeaweedFS.shared.settings()
        settings.accessKey = "reader"
        settings.secretKey = "reader-secret"
        let words = try await refusal(settings)
        #expect(words.contains("may they read and write the bucket 'pictures'"), "\(words)")
    }

    @Test func `a missing bucket is named`() async throws {
        var settings = try await SeaweedFS.shared.settings()
        settings.bucket = "nowhere"
        let stored = try await refusal(settings)
        #expect(stored.contains("there is no bucket 'nowhere'"), "\(stored)")
        let read = try await refusal(settings) { store in _ = try await store.get(key("a"), range: nil) }
        #expect(read.contains("there is no bucket 'nowhere'"), "\(read)")
    }

    @Test func `nobody there is tried several times and said`() async throws {
        var settings = S3Settings(
            endpoint: "http://127.0.0.1:1", bucket: "pictures", accessKey: "a", secretKey: "s")
        settings.attempts = 3
        let waits = Waits()
        let words = try await refusal(settings, waits.surroundings)
        #expect(words.contains("tried 3 times"), "\(words)")
        #expect(waits.list == [.milliseconds(375), .milliseconds(750)])
    }
}

/// Waits that take no time.
final class Waits: Sendable {
    private let waits = Mutex<[Duration]>([])

    var list: [Duration] { waits.withLock { $0 } }

    var surroundings: S3ImageStore.Surroundings {
        .init(wait: { wait in self.waits.withLock { $0.append(wait) } }, chance: { 0.5 })
    }
}
