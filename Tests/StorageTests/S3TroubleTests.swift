import Foundation
import Generation
import Testing

@testable import Storage

/// Troubles of the other side: which are tried again, how often, and what is said in the end.
@Suite struct S3TroubleTests {
    private func store(_ server: ScriptedServer, _ waits: Waits, attempts: Int = 5, timeout: Double = 20)
        throws -> S3ImageStore
    {
        var settings = S3Settings(
            endpoint: "http://127.0.0.1:\(server.port)", bucket: "pictures", accessKey: "a", secretKey: "s")
        settings.attempts = attempts
        settings.timeout = timeout
        settings.sessionToken = "the-token"
        return try S3ImageStore(settings, waits.surroundings)
    }

    private func put(_ store: S3ImageStore) async throws {
        try await store.put(Array("the picture".utf8), contentType: "image/png", at: key("job/0.png"))
    }

    @Test func `what may pass is tried again, signed anew, until it is stored`() async throws {
        let server = ScriptedServer([
            .status("503 Slow Down"), .close, .status("500 Oops"), .status("429 Too Many Requests"),
            .status("200 OK"),
        ])
        let waits = Waits()
        try await put(store(server, waits))
        #expect(server.asked.count == 5)
        #expect(waits.list == [.milliseconds(375), .milliseconds(750), .milliseconds(1500), .seconds(3)])
        for request in server.asked {
            #expect(request.hasPrefix("PUT /pictures/job/0.png HTTP/1.1\r\n"))
            #expect(request.hasSuffix("\r\n\r\nthe picture"))
            #expect(request.contains("content-type: image/png\r\n"))
            #expect(request.contains("x-amz-security-token: the-token\r\n"))
            #expect(request.contains("host: 127.0.0.1:\(server.port)\r\n"))
        }
    }

    @Test func `what stays is a failure, with the number of tries bounded`() async throws {
        let server = ScriptedServer([.status("503 a"), .status("503 b"), .status("503 c"), .status("200 OK")])
        let waits = Waits()
        let error = await #expect(throws: Failure.self) { try await put(store(server, waits, attempts: 3)) }
        #expect(error?.code == .deliveryFailed)
        #expect(error?.message.contains("status 503") == true)
        #expect(server.asked.count == 3)
        #expect(waits.list.count == 2)
    }

    @Test func `silence ends at the time limit`() async throws {
        let server = ScriptedServer([.silence, .silence])
        let waits = Waits()
        let error = await #expect(throws: Failure.self) {
            try await put(store(server, waits, attempts: 2, timeout: 0.3))
        }
        #expect(
            error?.message.contains("tried 2 times: it takes too long") == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (
            "400 Bad Request", "<Error><Code>EntityTooLarge</Code><Message>Too large.</Message></Error>",
            "EntityTooLarge: Too large."
        ),
        (
            "403 Forbidden", "<Error><Code>ExpiredToken</Code></Error>",
            "temporary credentials are not valid any more"
        ),
        ("403 Forbidden", "<html>", "may they read and write the bucket"),
        ("404 Not Found", "", "there is no bucket 'pictures'"),
        ("301 Moved Permanently", "", "are endpoint and region right"),
    ])
    func `what will not pass is said at once`(status: String, body: String, words: String) async throws {
        let server = ScriptedServer([.status(status, body: body)])
        let waits = Waits()
        let error = await #expect(throws: Failure.self) { try await put(store(server, waits)) }
        #expect(error?.code == .deliveryFailed)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(waits.list.isEmpty)
    }

    @Test func `a store whose time is another says that a clock is wrong`() async throws {
        let server = ScriptedServer([
            .status("403 Forbidden", headers: ["date: Sun, 06 Nov 1994 08:49:37 GMT"])
        ])
        let error = await #expect(throws: Failure.self) { try await put(store(server, Waits())) }
        #expect(error?.message.contains("set the clock") == true, "\(error?.message ?? "")")
    }

    @Test func `a store that knows no ranges gives the part asked for`() async throws {
        let server = ScriptedServer([
            .status("200 OK", headers: ["etag: W/\"x1\"", "content-type: image/png"], body: "0123456789")
        ])
        let found = try await store(server, Waits()).get(key("job/0.png"), range: 2..<5)
        #expect(
            found == ImageBytes(bytes: Array("234".utf8), total: 10, contentType: "image/png", tag: "x1"))
    }

    @Test func `a cancelled upload ends as cancelled`() async throws {
        let server = ScriptedServer([.silence])
        let store = try store(server, Waits())
        let task = Task { try await put(store) }
        while server.asked.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
