import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import Server

@Suite struct PublicAddressTests {
    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.255",
        "2606:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808",
        "2002:808:808::1",
    ])
    func `addresses of the public Internet are gone to`(_ address: String) {
        #expect(PublicAddress.isPublic(address))
    }

    @Test(arguments: [
        "127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "100.100.100.200", "192.0.0.1", "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::",
        "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
        "4000::1", "", "localhost",
        "1", "0x7f000001", "127.1", "8.8.8.8.8", "256.1.1.1", "8.8.8.8 ", "fe80::1%eth0",
    ])
    func `all others are not`(_ address: String) {
        #expect(!PublicAddress.isPublic(address))
    }
}

@Suite struct FetchTargetTests {
    @Test(arguments: [
        ("https://example.org/a.png", "example.org"), ("HTTP://EXAMPLE.org:8080/A?b=c", "example.org"),
        ("https://[2606:4700::1111]/x", "2606:4700::1111"), ("http://8.8.8.8", "8.8.8.8"),
    ])
    func `addresses are taken apart`(_ address: String, _ host: String) throws {
        let target = try FetchTarget(address)
        #expect(target.host == host)
        // What is fetched names the host that is looked at, letter by letter: the pinned address is found by it.
        #expect(URL(string: target.text)?.host?.trimmingCharacters(in: ["[", "]"]) == host)
    }

    @Test(arguments: [
        "", "example.org", "//example.org/a", "ftp://example.org", "file:///etc/passwd",
        "gopher://example.org", "data:,x",
        "https://", "https:///a", "https://user@example.org/", "https://user:pass@example.org/",
        "https://example.org:22/",
        "https://example.org:0/", "https://example.org:99999/", "https://ex ample.org/",
        "https://example.org\n/", "https://%31%32%37.0.0.1/",
        "https://example.org%00.evil/", "https://ex\u{E4}mple.org/", "https://[::1%25eth0]/",
        "https://exa$mple.org/",
        "https://\(String(repeating: "a", count: 3000))/", "http://[::ffff:7f00:1", "unix:///var/run/x.sock",
        "http+unix://x",
    ])
    func `what is no plain address is refused`(_ address: String) {
        #expect(throws: Rejection.self) { try FetchTarget(address) }
    }

    @Test func `redirects are followed within what is allowed`() throws {
        let start = try FetchTarget("https://example.org/a/b.png")
        #expect(try start.following("c.png").text == "https://example.org/a/c.png")
        #expect(try start.following("//other.example/c.png").host == "other.example")
        #expect(throws: Rejection.self) { try start.following("http://example.org/c.png") }
        #expect(throws: Rejection.self) { try start.following("file:///etc/passwd") }
    }
}

/// The fetcher against a server on loopback that plays the public Internet.
@Suite struct PictureFetcherTests {
    private func fetch(
        _ path: String, resolver: [String: [String]] = ["pictures.example": ["127.0.0.1"]], limit: Int = 1000,
        seconds: Double = 60, allowed: @escaping @Sendable (String) -> Bool = { $0 == "127.0.0.1" }
    ) async throws -> [UInt8] {
        let router = Router()
        router.get("/a.png") { _, _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "picture")))
        }
        router.get("/host") { request, _ in request.head.authority ?? "none" }
        router.get("/large") { _, _ in String(repeating: "x", count: 5000) }
        router.get("/stream") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    for _ in 0..<1000 {
                        try await writer.write(ByteBuffer(string: String(repeating: "x", count: 1000)))
                    }
                    try await writer.finish(nil)
                })
        }
        router.get("/slow") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    for _ in 0..<1000 {
                        try await writer.write(ByteBuffer(string: "x"))
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    try await writer.finish(nil)
                })
        }
        router.get("/missing") { _, _ in Response(status: .notFound) }
        router.get("/to") { request, _ in
            Response.redirect(to: String(request.uri.queryParameters.get("place") ?? ""))
        }
        router.get("/round") { _, _ in Response.redirect(to: "/round") }
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let server = HTTPServerBuilder { GuardedChannel(base: HTTP1Channel(responder: $0)) }
        return try await Application(router: router, server: server, logger: logger).test(.live) { client in
            let port = client.port ?? 0
            var limits = ServerLimits()
            limits.pictureBytes = limit
            let fetcher = PictureFetcher(
                limits: limits, seconds: seconds,
                resolve: { host in
                    guard let addresses = resolver[host] else { throw HostResolver.Unresolved() }
                    return addresses
                }, isAllowed: allowed)
            return try await fetcher.picture(
                at: "http://pictures.example:\(port)" + path.replacing("PORT", with: "\(port)"))
        }
    }

    private func refusal(_ body: () async throws -> [UInt8]) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch let rejection as Rejection {
            return rejection.code == "bad_image_url" && rejection.field == "image_url"
                ? rejection.message : "another"
        } catch { return "\(error)" }
    }

    @Test func `a picture is fetched from the address that was looked at, under its own name`() async throws {
        #expect(try await fetch("/a.png") == Array("picture".utf8))
        #expect(String(decoding: try await fetch("/host"), as: UTF8.self).hasPrefix("pictures.example:"))
    }

    @Test func `one private address among a host's is enough to stay away`() async {
        let said = await refusal {
            try await fetch("/a.png", resolver: ["pictures.example": ["127.0.0.1", "10.0.0.1"]])
        }
        #expect(said?.contains("not on the public Internet") == true)
        #expect(await refusal { try await fetch("/a.png", allowed: PublicAddress.isPublic) } != nil)
        #expect(
            await refusal { try await fetch("/a.png", resolver: [:]) }?.contains("has no address") == true)
        #expect(await refusal { try await fetch("/a.png", resolver: ["pictures.example": []]) } != nil)
    }

    @Test func `redirects are looked at like addresses, and there are few`() async throws {
        #expect(try await fetch("/to?place=/a.png") == Array("picture".utf8))
        #expect(try await fetch("/to?place=/to%3Fplace=/a.png") == Array("picture".utf8))
        #expect(await refusal { try await fetch("/round") }?.contains("more than 3 times") == true)
        #expect(
            await refusal { try await fetch("/to?place=http://internal.example:PORT/a.png") }?.contains(
                "has no address") == true)
        #expect(
            await refusal {
                try await fetch(
                    "/to?place=http://internal.example:PORT/a.png",
                    resolver: ["pictures.example": ["127.0.0.1"], "internal.example": ["10.0.0.1"]])
            }?.contains("not on the public Internet") == true)
        #expect(await refusal { try await fetch("/to?place=file:///etc/passwd") } != nil)
    }

    @Test func `size, time and status are bounded`() async {
        #expect(await refusal { try await fetch("/large") }?.contains("more than 1000 bytes") == true)
        #expect(await refusal { try await fetch("/stream") }?.contains("more than 1000 bytes") == true)
        #expect(await refusal { try await fetch("/missing") }?.contains("status 404") == true)
        let start = ContinuousClock.now
        #expect(await refusal { try await fetch("/slow", seconds: 0.5) } != nil)
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test func `the system's resolver gives addresses as text`() async throws {
        let addresses = try await HostResolver.addresses(of: "localhost")
        #expect(!addresses.isEmpty && addresses.allSatisfy { $0 == "127.0.0.1" || $0 == "::1" })
        // Old spellings of loopback end as loopback, which is refused.
        for spelling in ["2130706433", "0x7f.1", "127.1"] {
            let found = (try? await HostResolver.addresses(of: spelling)) ?? []
            #expect(!found.contains(where: PublicAddress.isPublic), "\(spelling): \(found)")
        }
    }
}

@Suite struct UploadShelfTests {
    private final class Clock: Sendable {
        private let date = Mutex(Date(timeIntervalSince1970: 0))
        var now: Date { date.withLock { $0 } }
        func pass(_ seconds: Double) { date.withLock { $0 += seconds } }
    }

    @Test func `uploads are kept for a while, in bounded memory, one caller's in half of it`() throws {
        let clock = Clock()
        let shelf = UploadShelf(capacity: 100, now: { clock.now })
        let first = try #require(shelf.put(Array(repeating: 1, count: 30), caller: "a"))
        #expect(shelf.get(first.id, caller: "a")?.count == 30)
        #expect(shelf.get(first.id, caller: "b") == nil)
        #expect(shelf.put(Array(repeating: 1, count: 30), caller: "a") == nil)
        #expect(shelf.put(Array(repeating: 2, count: 51), caller: "b") == nil)
        _ = try #require(shelf.put(Array(repeating: 2, count: 50), caller: "b"))
        // The oldest makes room.
        _ = try #require(shelf.put(Array(repeating: 3, count: 40), caller: "c"))
        #expect(shelf.get(first.id, caller: "a") == nil && shelf.byteCount == 90)
        clock.pass(UploadShelf.lifetime + 1)
        _ = shelf.get("none", caller: "a")
        #expect(shelf.byteCount == 0)
    }
}
