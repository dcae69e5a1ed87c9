import Foundation
import Generation
import Testing

@testable import Server

/// Bad calls with their statuses and bodies.
struct RunPodRefusalTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        let path: String
        let body: String?
        let status: UInt
        let code: String
        let field: String?
        var type: String? = "application/json"
        var testDescription: String { "\(path) \(body?.prefix(100) ?? "-")" }
    }

    static let bad = [
        Bad(path: "run", body: nil, status: 400, code: "bad_json", field: nil),
        Bad(path: "run", body: "{", status: 400, code: "bad_json", field: nil),
        Bad(path: "run", body: #"{"input": {}, "input": {}}"#, status: 400, code: "bad_json", field: nil),
        Bad(path: "run", body: #"{"prompt": "a"}"#, status: 400, code: "bad_request", field: "input"),
        Bad(
            path: "run", body: #"{"input": {"input": {}}}"#, status: 400, code: "bad_request", field: "prompt"
        ),
        Bad(
            path: "run", body: #"{"input": {"prompt": 7}}"#, status: 400, code: "bad_request", field: "prompt"
        ),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a", "numImages": 65}}"#, status: 400,
            code: "bad_request", field: "numImages"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a", "cfgScale": 101}}"#, status: 400,
            code: "bad_request", field: "cfgScale"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a", "baseModel": "none"}}"#, status: 400,
            code: "unknown_model", field: "baseModel"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a", "lora_config": {"film": 1}}}"#, status: 400,
            code: "not_supported", field: "lora_config"),
        Bad(
            path: "run", body: #"{"input": {"workflow": {"3": {}}}}"#, status: 400, code: "not_supported",
            field: "workflow"),
        Bad(
            path: "run",
            body:
                #"{"input": {"prompt": "a"}, "s3Config": {"accessId": "i", "accessSecret": "s", "bucketName": "b", "endpointUrl": "https://s3.example.org"}}"#,
            status: 400, code: "not_supported", field: "s3Config"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a"}, "webhook": "ftp://example.org"}"#, status: 400,
            code: "bad_request", field: "webhook"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a", "image_url": "http://127.0.0.1/a.png"}}"#,
            status: 400, code: "bad_image_url", field: "image_url"),
        Bad(
            path: "run", body: #"{"input": {"prompt": "a"}}"#, status: 415, code: "unsupported_media_type",
            field: nil, type: "text/plain"),
        Bad(
            path: "runsync?wait=999", body: #"{"input": {"prompt": "a"}}"#, status: 400, code: "bad_request",
            field: "wait"),
        Bad(
            path: "runsync?wait=soon", body: #"{"input": {"prompt": "a"}}"#, status: 400, code: "bad_request",
            field: "wait"),
    ]

    @Test func `each bad call has its status and says its field`() async throws {
        try await RunPodRoom.serving { room in
            for bad in Self.bad {
                let answer = try await room.call(.POST, "/v2/a/\(bad.path)", bad.body, type: bad.type)
                #expect(answer.status == bad.status, "\(bad.testDescription)")
                #expect(answer["status"] == "FAILED", "\(bad.testDescription)")
                #expect(answer["id"] != nil, "\(bad.testDescription)")
                #expect(answer["error"]?.isEmpty == false, "\(bad.testDescription)")
                #expect(answer["output", "success"] == "false", "\(bad.testDescription)")
                #expect(answer["output", "code"] == bad.code, "\(bad.testDescription)")
                #expect(answer["output", "field"] == bad.field, "\(bad.testDescription)")
            }
            #expect(room.painter.prompts == [])
        }
    }

    @Test func `one refusal, to the letter`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, "/v2/a/run", #"{"input": {"prompt": "a", "width": "wide"}}"#)
            let id = try #require(answer["id"])
            #expect(
                answer.text
                    == #"{"error":"'width' is the text 'wide', it must be a whole number","id":"\#(id)","output":{"code":"bad_request","error":"'width' is the text 'wide', it must be a whole number","field":"width","success":false},"status":"FAILED"}"#
            )
            // Whoever looks at no status code asks for the job, and finds why.
            let status = try await room.call(.GET, "/v2/a/status/\(id)")
            #expect(status.status == 200)
            #expect(status["status"] == "FAILED")
            #expect(status["output", "field"] == "width")
        }
    }

    @Test func `bodies beyond the protocol's size are refused`() async throws {
        try await RunPodRoom.serving { room in
            let text = String(repeating: "a", count: 10_000_001)
            let run = try await room.call(.POST, "/v2/a/run", text)
            #expect(run.status == 413)
            #expect(run["output", "code"] == "too_large")
            let sync = try await room.call(.POST, "/v2/a/runsync", text)
            #expect(sync.status == 400)
            #expect(sync["output", "code"] == "bad_json")
        }
    }

    @Test(arguments: ["nobody", "..", "a%20b", String(repeating: "a", count: 65)])
    func `jobs that are not there are 404 on every route`(id: String) async throws {
        try await RunPodRoom.serving { room in
            for path in ["status", "status-sync", "stream", "cancel", "retry"] where id != ".." {
                let answer = try await room.call(.POST, "/v2/a/\(path)/\(id)")
                #expect(answer.status == 404, "\(path)")
                #expect(answer["status"] == "FAILED", "\(path)")
                if path == "stream" { #expect(answer["stream"] == "list of 0") }
            }
        }
    }

    @Test func `unknown paths and methods are answered in this protocol's shape`() async throws {
        try await RunPodRoom.serving { room in
            let path = try await room.call(.GET, "/v2/a/requests")
            #expect(path.status == 404)
            #expect(path["status"] == "FAILED")
            let method = try await room.call(.GET, "/v2/a/run")
            #expect(method.status == 405)
            #expect(method["status"] == "FAILED")
        }
    }

    @Test func `keys are wanted, with Bearer or bare, and show their own jobs alone`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let keys = try KeyStore(path: folder.appending(path: "keys.json").path)
        let one = try keys.add(name: "one", roles: [.generate])
        let two = try keys.add(name: "two", roles: [.generate])
        try await RunPodRoom.serving(keys: keys) { room in
            let body = #"{"input": {"prompt": "a"}}"#
            let without = try await room.call(.POST, "/v2/a/runsync", body)
            #expect(without.status == 401)
            #expect(without["status"] == "FAILED")
            let bearer = try await room.call(
                .POST, "/v2/a/runsync", body, headers: [("Authorization", "Bearer \(one)")])
            #expect(bearer["status"] == "COMPLETED")
            let bare = try await room.call(.POST, "/v2/a/runsync", body, headers: [("Authorization", one)])
            #expect(bare["status"] == "COMPLETED")
            // Whoever sees the answer in a browser has no key: the picture itself is in it, unless its address is wanted.
            #expect(bare["output", "images", "0", "type"] == "base64")
            let address = try await room.call(
                .POST, "/v2/a/runsync", #"{"input": {"prompt": "a", "delivery": "url"}}"#,
                headers: [("Authorization", one)])
            #expect(address["output", "images", "0", "data"]?.hasPrefix(room.base) == true)
            #expect(
                address["output", "notes", "0"] == "the addresses of the pictures want this server's API key")
            let id = try #require(bare["id"])
            for (key, status) in [(one, UInt(200)), (two, 404)] {
                let answer = try await room.call(
                    .GET, "/v2/a/status/\(id)", headers: [("Authorization", "Bearer \(key)")])
                #expect(answer.status == status)
            }
        }
    }
}
