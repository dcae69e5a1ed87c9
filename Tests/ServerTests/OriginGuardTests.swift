import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import Server

@Suite struct OriginGuardTests {
    private func status(
        _ settings: (inout ServerSettings) -> Void = { _ in }, hasKeys: Bool = false,
        authority: String = "localhost:7860",
        method: HTTPRequest.Method = .post, headers: HTTPFields = [:]
    ) -> Int {
        var all = ServerSettings()
        settings(&all)
        let request = Hummingbird.Request(
            head: HTTPRequest(
                method: method, scheme: "http", authority: authority, path: "/v1/generations",
                headerFields: headers),
            body: RequestBody(buffer: ByteBuffer()))
        do throws(Rejection) {
            switch try OriginGuard(settings: all, hasKeys: hasKeys).judge(request) {
            case .plain: return 200
            case .shared: return 201
            case .preflight(let answer): return Int(answer.status.code)
            }
        } catch { return Int(error.status.code) }
    }

    @Test(arguments: ["localhost", "LOCALHOST:80", "127.0.0.1:7860", "[::1]:7860", "127.8.8.8"])
    func `names of this machine are answered to`(_ authority: String) {
        #expect(status(authority: authority) == 200)
    }

    @Test(arguments: [
        "evil.example", "localhost.evil.example", "evil.example:7860", "", "10.0.0.1", "[::2]", "[::1",
        "localhost@evil.example",
    ])
    func `a page that points its own name at loopback is not`(_ authority: String) {
        #expect(status(authority: authority) == 421)
    }

    @Test func `with keys any name will do, unless names are given`() {
        #expect(status(hasKeys: true, authority: "paint.example.org") == 200)
        #expect(
            status({ $0.publicNames = ["paint.example.org"] }, hasKeys: true, authority: "evil.example")
                == 421)
        #expect(status({ $0.publicNames = ["Paint.Example.org"] }, authority: "paint.example.org:443") == 200)
    }

    @Test func `pages of other origins are refused unless they are named`() {
        #expect(status(headers: [.origin: "https://evil.example"]) == 403)
        #expect(status(headers: [.origin: "null"]) == 403)
        #expect(status(headers: [.origin: ""]) == 403)
        #expect(status(headers: [.origin: "http://localhost:7860"]) == 200)
        #expect(status(headers: [.origin: "http://localhost:9999"]) == 403)
        #expect(status(hasKeys: true, headers: [.origin: "https://evil.example"]) == 403)
        let named: (inout ServerSettings) -> Void = { $0.corsOrigins = ["https://studio.example.org"] }
        #expect(status(named, headers: [.origin: "https://studio.example.org"]) == 201)
        #expect(status(named, headers: [.origin: "https://studio.example.org.evil.example"]) == 403)
        #expect(status(named, headers: [.origin: "http://studio.example.org"]) == 403)
    }

    @Test func `what browsers say of pictures on other sites is believed`() {
        #expect(status(method: .get, headers: [.fetchSite: "cross-site", .fetchMode: "no-cors"]) == 403)
        #expect(status(method: .get, headers: [.fetchSite: "cross-site", .fetchMode: "navigate"]) == 200)
        #expect(status(method: .get, headers: [.fetchSite: "same-origin", .fetchMode: "cors"]) == 200)
    }

    @Test func `a named origin gets a preflight and can read errors, never with credentials`() async throws {
        let server = TestServer { $0.corsOrigins = ["https://studio.example.org"] }
        try await server.call { client async throws in
            let preflight = try await client.send(
                .options, "/v1/generations",
                headers: [.origin: "https://studio.example.org", .accessControlRequestMethod: "POST"])
            #expect(preflight.status == .noContent)
            #expect(preflight.headers[.accessControlAllowOrigin] == "https://studio.example.org")
            #expect(preflight.headers[.accessControlAllowHeaders]?.contains("Authorization") == true)
            #expect(preflight.headers[.accessControlAllowCredentials] == nil)
            for path in ["/v1/models", "/v1/nothing", "/v1/generations/none"] {
                let answer = try await client.send(
                    .get, path, headers: [.origin: "https://studio.example.org"])
                #expect(answer.headers[.accessControlAllowOrigin] == "https://studio.example.org", "\(path)")
                #expect(answer.headers[.vary] == "Origin")
            }
            let other = try await client.send(
                .options, "/v1/generations",
                headers: [.origin: "https://evil.example", .accessControlRequestMethod: "POST"])
            #expect(other.status == .forbidden && other.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test func `every answer carries the headers that keep browsers careful`() async throws {
        try await TestServer().call { client async throws in
            for path in ["/", "/livez", "/v1/models", "/v1/nothing", "/openapi.json"] {
                let answer = try await client.send(.get, path)
                #expect(answer.headers[.xContentTypeOptions] == "nosniff", "\(path)")
                #expect(
                    answer.headers[.contentSecurityPolicy]?.contains("frame-ancestors 'none'") == true,
                    "\(path)")
                #expect(
                    answer.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true, "\(path)")
            }
        }
    }
}
