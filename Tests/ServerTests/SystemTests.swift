import Engine
import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Server

@Suite struct SystemTests {
    @Test func `the server lives, and is ready while the engine serves and a model can be loaded`()
        async throws
    {
        let server = TestServer()
        try await server.call { client async throws in
            #expect(try await client.send(.get, "/livez").text == "alive\n")
            #expect(try await client.send(.get, "/readyz").status == .ok)
            await server.engine.set(.failed(Failure(.badCheckpoint, "it is broken")))
            let broken = try await client.send(.get, "/readyz")
            #expect(broken.status == .serviceUnavailable)
            #expect(broken.fault?.message.contains("no model can be loaded") == true)
            await server.engine.set(.ready)
            await server.engine.stopServing()
            #expect(try await client.send(.get, "/readyz").status == .serviceUnavailable)
            #expect(try await client.send(.get, "/livez").status == .ok)
        }
    }

    @Test func `the page says what this is and runs no script`() async throws {
        try await TestServer().call { client async throws in
            let page = try await client.send(.get, "/")
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.text.contains("<title>Gesso</title>") && page.text.contains("/openapi.json"))
            #expect(page.headers[.contentSecurityPolicy]?.contains(PlainPage.styleHash) == true)
            #expect(page.headers[.contentSecurityPolicy]?.contains("script-src") == false)
        }
    }

    @Test func `every route of v1 and of the server stands in the document, and nothing else does`() throws {
        let routes = try TestServer().builder.routes.filter { !$0.path.hasPrefix("/v2") }
        let known = Set(routes.map { "\($0.method.rawValue) \($0.path)" })
        let written = Set(OpenAPIDocument.operations.map { "\($0.method.uppercased()) \($0.path)" })
        #expect(known.subtracting(written).isEmpty, "not in the document")
        #expect(written.subtracting(known).isEmpty, "not served")
        #expect(Set(OpenAPIDocument.operations.map(\.id)).count == OpenAPIDocument.operations.count)
    }

    @Test func `the document describes the fields that are read`() throws {
        #expect(OpenAPISchemas.requestFields.map(\.0) == GenerationBody.fields)
    }

    @Test func `the document is JSON whose references lead somewhere`() async throws {
        let text = try await TestServer().call { try await $0.send(.get, "/openapi.json").text }
        guard case .object(let document) = try JSONParser.parse(Array(text.utf8)) else {
            return #expect(Bool(false))
        }
        #expect(document["openapi"] == "3.1.0")
        let names = Set(OpenAPISchemas.all.map(\.0))
        for part in text.components(separatedBy: "#/components/schemas/").dropFirst() {
            #expect(names.contains(String(part.prefix { $0 != "\"" })))
        }
    }

    @Test func `models, samplers and capabilities are told`() async throws {
        try await TestServer(models: ["a", "b"]).call { client async throws in
            let models = try await client.send(.get, "/v1/models")
            #expect(models.value("models.1.id") == "b" && models.value("models.0.state") == "unloaded")
            #expect(!models.text.contains("safetensors"), "paths are the server's own")
            #expect(try await client.send(.post, "/v1/models/b/load").value("state") == "ready")
            #expect(try await client.send(.post, "/v1/models/b/unload").value("state") == "unloaded")
            #expect(try await client.send(.get, "/v1/samplers").value("samplers.0.name") == "euler")
            let can = try await client.send(.get, "/v1/capabilities")
            #expect(can.value("limits.width.multiple_of") == 8)
            #expect(can.value("features.loras") == false)
            #expect(can.value("families.0") == "sdxl")
        }
    }

    @Test func `what the computing side knows is passed on`() async throws {
        struct Known: Inspection {
            func precision(
                of model: ModelDescription, resident: Int
            ) async throws -> any Encodable & Sendable {
                ["plan": "\(model.id) beside \(resident)"]
            }
            func tokens(
                of prompt: String, dialect: Generation.Request.Dialect, model: ModelDescription
            ) async throws -> any Encodable & Sendable {
                ["count": prompt.count]
            }
        }
        try await TestServer(inspection: Known()).call { client async throws in
            #expect(
                try await client.send(.get, "/v1/precision?model=anime").value("plan") == "anime beside 0")
            #expect(try await client.send(.post, "/v1/tokens", "{\"prompt\":\"four\"}").value("count") == 4)
            #expect(try await client.send(.get, "/v1/precision?model=none").status == .notFound)
            #expect(try await client.send(.get, "/v1/capabilities").value("features.tokens") == true)
        }
    }
}
