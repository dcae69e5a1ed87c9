import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import Server

@Suite struct ImageTests {
    private func get(
        _ headers: HTTPFields = [:], _ path: String = "/v1/images/p/0.png", method: HTTPRequest.Method = .get
    ) async throws -> TestResponse {
        let server = TestServer()
        try await server.finish("p")
        return try await server.call { try await $0.send(method, path, headers: headers) }
    }

    private func bytes(_ answer: TestResponse) -> [UInt8] { Array(answer.body.readableBytesView) }

    @Test func `a picture comes whole, with a tag, for good and for its owner`() async throws {
        let answer = try await get()
        #expect(answer.status == .ok)
        #expect(bytes(answer) == Array(0..<100))
        #expect(answer.headers[.contentType] == "image/png")
        #expect(answer.headers[.eTag] == "\"tag-100\"")
        #expect(answer.headers[.cacheControl] == "private, max-age=31536000, immutable")
        #expect(answer.headers[.acceptRanges] == "bytes")
        let small = try await get([:], "/v1/thumbnails/p/0.jpg")
        #expect(small.status == .ok && small.headers[.contentType] == "image/jpeg")
    }

    @Test(arguments: ["\"tag-100\"", "W/\"tag-100\"", "\"other\", \"tag-100\"", "*"])
    func `a picture that the client has is not sent again`(_ tags: String) async throws {
        let answer = try await get([.ifNoneMatch: tags])
        #expect(answer.status == .notModified)
        #expect(answer.body.readableBytes == 0 && answer.headers[.eTag] == "\"tag-100\"")
    }

    @Test(arguments: [
        ("bytes=0-9", 0..<10), ("bytes=90-", 90..<100), ("bytes=-5", 95..<100), ("bytes=50-5000", 50..<100),
        ("bytes=0-0", 0..<1), ("bytes=-500", 0..<100), ("BYTES=1-1", 1..<2),
    ])
    func `a range of bytes is sent alone`(_ range: String, _ expected: Range<Int>) async throws {
        let answer = try await get([.range: range])
        #expect(answer.status == .partialContent)
        #expect(bytes(answer) == expected.map { UInt8($0) })
        #expect(
            answer.headers[.contentRange] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/100")
    }

    @Test(arguments: ["bytes=100-", "bytes=200-300", "bytes=-0"])
    func `bytes that are not there can't be sent`(_ range: String) async throws {
        let answer = try await get([.range: range])
        #expect(answer.status == .rangeNotSatisfiable)
        #expect(answer.headers[.contentRange] == "bytes */100")
        #expect(answer.fault?.code == "range_not_satisfiable")
    }

    @Test(arguments: [
        "bytes=5-2", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "bytes=-", "bytes=",
        "bytes=1-99999999999999999999",
    ])
    func `a range that is not understood is the whole`(_ range: String) async throws {
        let answer = try await get([.range: range])
        #expect(answer.status == .ok && bytes(answer).count == 100)
    }

    @Test func `a range of another version is the whole`() async throws {
        #expect(try await get([.range: "bytes=0-9", .ifRange: "\"old\""]).status == .ok)
        #expect(try await get([.range: "bytes=0-9", .ifRange: "\"tag-100\""]).status == .partialContent)
    }

    @Test(arguments: [
        "/v1/images/p/1.png", "/v1/images/p/0.jpg", "/v1/images/p/00.png", "/v1/images/p/-1.png",
        "/v1/images/p/0.png.png",
        "/v1/images/p/%30.png", "/v1/images/p/.png", "/v1/images/p/0", "/v1/thumbnails/p/0.png",
        "/v1/images/q/0.png",
        "/v1/images/p/99999999999999999999.png",
    ])
    func `other names are unknown`(_ path: String) async throws {
        #expect(try await get([:], path).status == .notFound, "\(path)")
    }

    @Test func `a head without a body says the same`() async throws {
        let answer = try await get(method: .head)
        #expect(answer.status == .ok && answer.headers[.eTag] == "\"tag-100\"")
    }

    @Test func `a part is read as a part`() async throws {
        let server = TestServer()
        try await server.finish("p")
        _ = try await server.call {
            try await $0.send(.get, "/v1/images/p/0.png", headers: [.range: "bytes=10-19"])
        }
        #expect(await server.images.reads == [0..<1, 10..<20])
    }
}
