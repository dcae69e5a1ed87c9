import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import TestSupport
import Testing

@testable import Server

/// A key file in a folder of its own, and a clock that stands still until it is told to go on.
final class Keys: Sendable {
    let folder = temporaryFolder()
    var path: String { folder + "/keys.json" }
    let clock = Mutex(ContinuousClock.now)

    deinit { removeFolder(of: path) }

    func store() throws -> KeyStore {
        try KeyStore(path: path, now: { [self] in clock.withLock { $0 } })
    }

    func pass(_ seconds: Double) { clock.withLock { $0 += .seconds(seconds) } }
}

@Suite struct KeyStoreTests {
    @Test func `a key is seen once and kept as a hash, in a file that its owner alone reads`() throws {
        let keys = Keys()
        let store = try keys.store()
        let key = try store.add(name: "site", roles: [.generate], limits: CallerLimits(callsPerMinute: 5))
        #expect(key.hasPrefix("gesso_") && key.utf8.count == 70)
        let file = try String(contentsOfFile: keys.path, encoding: .utf8)
        #expect(!file.contains(key) && !file.contains(key.dropFirst(6)))
        let mode = try #require(
            try FileManager.default.attributesOfItem(atPath: keys.path)[.posixPermissions] as? NSNumber)
        #expect(mode.intValue == 0o600)
        #expect(
            store.caller(forKey: key)
                == Caller(name: "site", roles: [.generate], limits: CallerLimits(callsPerMinute: 5)))
        #expect(store.caller(forKey: String(key.dropLast())) == nil)
        #expect(store.caller(forKey: key + "0") == nil)
        #expect(store.caller(forKey: "") == nil)
        #expect(try store.add(name: "other", roles: [.admin]) != key)
        #expect(throws: Failure.self) { try store.add(name: "site", roles: [.admin]) }
    }

    @Test(arguments: ["", "local", "anyone", "a b", "../x", ".x", String(repeating: "a", count: 65)])
    func `a name that could be mistaken is refused`(_ name: String) throws {
        let store = try Keys().store()
        #expect(throws: Failure.self) { try store.add(name: name, roles: [.generate]) }
    }

    @Test func `a key revoked by another program stops working`() throws {
        let keys = Keys()
        let serving = try keys.store()
        let other = try keys.store()
        let key = try other.add(name: "site", roles: [.generate])
        keys.pass(1.1)
        #expect(serving.caller(forKey: key)?.name == "site")
        #expect(try other.revoke(name: "site"))
        #expect(!(try other.revoke(name: "nobody")))
        // Within a second the file is not looked at again.
        #expect(serving.caller(forKey: key) != nil)
        keys.pass(1.1)
        #expect(serving.caller(forKey: key) == nil)
        #expect(serving.keys.first?.isRevoked == true)
    }

    @Test func `a file that others may read, or that is no key file, is refused`() throws {
        let keys = Keys()
        _ = try keys.store().add(name: "site", roles: [.generate])
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keys.path)
        #expect(throws: Failure.self) { try keys.store() }
        for text in [
            "", "{}", "[]", "{\"version\":2,\"keys\":[]}", "{\"version\":1,\"keys\":[{\"name\":\"x\"}]}",
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: keys.path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keys.path)
            #expect(throws: Failure.self, "\(text)") { try keys.store() }
        }
    }

    @Test func `a file that breaks while the server runs leaves the keys of before`() throws {
        let keys = Keys()
        let store = try keys.store()
        let key = try store.add(name: "site", roles: [.generate])
        try Data("{".utf8).write(to: URL(fileURLWithPath: keys.path))
        keys.pass(2)
        #expect(store.caller(forKey: key)?.name == "site")
    }

    @Test func `many writers lose nothing`() async throws {
        let keys = Keys()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask { _ = try keys.store().add(name: "key-\(number)", roles: [.generate]) }
            }
            try await group.waitForAll()
        }
        #expect(try keys.store().keys.count == 20)
    }

    @Test func `texts are compared whatever their length`() {
        #expect(KeyStore.areEqual("abc", "abc"))
        #expect(
            !KeyStore.areEqual("abc", "abd") && !KeyStore.areEqual("abc", "ab") && !KeyStore.areEqual("", "a")
        )
    }
}

@Suite struct AccessTests {
    /// A server with a key for each role.
    private func server(_ limits: CallerLimits = CallerLimits()) throws -> (
        TestServer, user: String, admin: String, Keys
    ) {
        let keys = Keys()
        let store = try keys.store()
        let user = try store.add(name: "site", roles: [.generate], limits: limits)
        let admin = try store.add(name: "boss", roles: [.admin])
        return (TestServer(keys: store), user, admin, keys)
    }

    @Test func `without a good key nothing but what is open answers`() async throws {
        let (server, _, _, keys) = try server()
        defer { withExtendedLifetime(keys) {} }
        let routes = try server.builder.routes
        try await server.call { client async throws in
            for route in routes {
                let path = route.path.replacing("{id}", with: "x").replacing("{name}", with: "0.png")
                for headers: HTTPFields in [
                    [:], [.authorization: "Bearer gesso_nonsense"], [.authorization: "Basic !"],
                    [.apiKey: "x"],
                ] {
                    let answer = try await client.execute(uri: path, method: route.method, headers: headers)
                    if ["/", "/livez", "/readyz", "/openapi.json"].contains(route.path) {
                        #expect(answer.status == .ok, "\(route)")
                    } else {
                        #expect(answer.status == .unauthorized, "\(route)")
                        #expect(answer.headers[.wwwAuthenticate] == "Bearer")
                    }
                }
            }
        }
    }

    @Test func `a key is taken from each of its places`() async throws {
        let (server, user, _, keys) = try server()
        defer { withExtendedLifetime(keys) {} }
        let basic = Data("anything:\(user)".utf8).base64EncodedString()
        try await server.call { client async throws in
            let all: [HTTPFields] = [
                [.authorization: "Bearer \(user)"], [.authorization: "bearer  \(user)"],
                [.authorization: user],
                [.authorization: "Basic \(basic)"], [.apiKey: user],
            ]
            for headers in all {
                #expect(
                    try await client.send(.get, "/v1/models", headers: headers).status == .ok, "\(headers)")
            }
            // Addresses are logged: a key in one is none, and an unknown field.
            #expect(try await client.send(.get, "/v1/models?key=\(user)").status == .unauthorized)
        }
    }

    @Test func `roles hold, and each caller sees their own jobs alone`() async throws {
        let (server, user, admin, keys) = try server()
        defer { withExtendedLifetime(keys) {} }
        try await server.finish("theirs", caller: "somebody")
        let asUser: HTTPFields = [.authorization: "Bearer \(user)"]
        let asAdmin: HTTPFields = [.authorization: "Bearer \(admin)"]
        try await server.call { client async throws in
            #expect(
                try await client.send(.post, "/v1/models/anime/load", headers: asUser).status == .forbidden)
            #expect(
                try await client.send(.post, "/v1/models/anime/load", headers: asAdmin).value("state")
                    == "ready")
            #expect(try await client.send(.get, "/metrics", headers: asUser).status == .forbidden)
            #expect(try await client.send(.get, "/metrics", headers: asAdmin).status == .ok)
            for (method, path) in [
                (HTTPRequest.Method.get, "/v1/generations/theirs"), (.delete, "/v1/generations/theirs"),
                (.post, "/v1/generations/theirs/cancel"), (.post, "/v1/generations/theirs/retry"),
                (.get, "/v1/images/theirs/0.png"), (.get, "/v1/thumbnails/theirs/0.jpg"),
            ] {
                #expect(try await client.send(method, path, headers: asUser).status == .notFound, "\(path)")
            }
            #expect(try await client.send(.get, "/v1/images/theirs/0.png", headers: asAdmin).status == .ok)
            #expect(
                try await client.send(.get, "/v1/generations", headers: asUser).value("generations.0") == nil)
            #expect(
                try await client.send(.get, "/v1/generations?all=true", headers: asUser).status == .forbidden)
            #expect(
                try await client.send(.get, "/v1/generations?all=true", headers: asAdmin).value(
                    "generations.0.id") == "theirs")
            let made = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\"}", headers: asUser)
            #expect(made.value("caller") == "site")
        }
    }

    @Test func `calls a minute are bounded for each key`() async throws {
        let (server, user, admin, keys) = try server(CallerLimits(callsPerMinute: 8))
        defer { withExtendedLifetime(keys) {} }
        try await server.call { client async throws in
            let asUser: HTTPFields = [.authorization: "Bearer \(user)"]
            for _ in 0..<2 {
                #expect(
                    try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\"}", headers: asUser)
                        .status == .accepted)
            }
            let refused = try await client.send(
                .post, "/v1/generations", "{\"prompt\":\"x\"}", headers: asUser)
            #expect(refused.status == .tooManyRequests && refused.fault?.code == "rate_limited")
            #expect(refused.headers[.retryAfter].flatMap { Int($0) }.map { (1...8).contains($0) } == true)
            // Looking is not counted, and other keys are not touched.
            #expect(try await client.send(.get, "/v1/generations", headers: asUser).status == .ok)
            let other = try await client.send(
                .post, "/v1/generations", "{\"prompt\":\"x\"}", headers: [.authorization: "Bearer \(admin)"])
            #expect(other.status == .accepted)
        }
    }

    @Test func `a token bucket fills with time`() {
        let clock = Mutex(ContinuousClock.now)
        let now: @Sendable () -> ContinuousClock.Instant = { clock.withLock { $0 } }
        let rates = RateLimiter(now: now)
        #expect((0..<15).allSatisfy { _ in rates.take("a", perMinute: 60) == nil })
        #expect(rates.take("a", perMinute: 60) == 1)
        #expect(rates.take("b", perMinute: 60) == nil)
        clock.withLock { $0 += .seconds(2) }
        #expect(rates.take("a", perMinute: 60) == nil && rates.take("a", perMinute: 60) == nil)
        #expect(rates.take("a", perMinute: 60) == 1)
    }

    @Test func `unfinished jobs are bounded for each key, however many are submitted at once`() async throws {
        let (server, user, _, keys) = try server(CallerLimits(jobs: 3))
        defer { withExtendedLifetime(keys) {} }
        try await server.call { client async throws in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await client.send(
                            .post, "/v1/generations", "{\"prompt\":\"x\",\"id\":\"j\(number)\"}",
                            headers: [.authorization: "Bearer \(user)"]
                        ).status.code
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 202 || $0 == 429 })
            #expect((1...3).contains(statuses.count { $0 == 202 }))
        }
        #expect(await server.engine.jobs.count <= 3)
    }

    @Test func `what can be reached from elsewhere is not served without a key`() throws {
        #expect(throws: Failure.self) { try TestServer { $0.host = "0.0.0.0" }.builder }
        let keys = Keys()
        #expect(throws: Failure.self) {
            try TestServer(keys: try keys.store()) { $0.host = "0.0.0.0" }.builder
        }
        let store = try keys.store()
        _ = try store.add(name: "site", roles: [.generate])
        _ = try TestServer(keys: store) { $0.host = "0.0.0.0" }.builder
        _ = try store.revoke(name: "site")
        #expect(throws: Failure.self) { try TestServer(keys: store) { $0.host = "::" }.builder }
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.1.2.3", true), ("localhost", true), ("::1", true), ("[::1]", true),
        ("0.0.0.0", false),
        ("::", false), ("127.0.0.1.example.org", false), ("10.0.0.1", false), ("127.0.0.", false),
        ("", false),
        ("example.org", false),
    ])
    func `loopback is told by its name`(_ host: String, _ isLoopback: Bool) {
        #expect(ServerSettings.isLoopback(host) == isLoopback)
    }
}
