import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Server

/// A request that must be refused: how, and what is said of it.
struct MalformedRequest: Sendable, CustomTestStringConvertible {
    let method: HTTPRequest.Method
    let path: String
    let body: [UInt8]?
    let headers: HTTPFields
    let status: Int
    let code: String
    let field: String?

    var testDescription: String {
        "\(method) \(path) \(body.map { String(decoding: $0.prefix(60), as: UTF8.self) } ?? "")"
    }

    init(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, headers: HTTPFields = [:],
        _ status: Int, _ code: String, _ field: String? = nil
    ) {
        self.init(method, path, bytes: body.map { Array($0.utf8) }, headers: headers, status, code, field)
    }

    init(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8]?, headers: HTTPFields = [:],
        _ status: Int, _ code: String, _ field: String? = nil
    ) {
        self.method = method
        self.path = path
        body = bytes
        self.headers = headers
        self.status = status
        self.code = code
        self.field = field
    }

    /// `POST /v1/generations` with these members beside a prompt.
    static func painting(
        _ members: String, _ code: String = "bad_request", _ field: String?, status: Int = 400
    ) -> MalformedRequest {
        MalformedRequest(.post, "/v1/generations", "{\"prompt\":\"x\",\(members)}", status, code, field)
    }

    private static let generations = "/v1/generations"

    static let all: [MalformedRequest] = bodies + fields + numbers + pictures + queries + paths + marks

    /// What is no JSON, or no object.
    private static let bodies: [MalformedRequest] = [
        MalformedRequest(.post, generations, nil, 400, "bad_json"),
        MalformedRequest(.post, generations, "", 400, "bad_json"),
        MalformedRequest(.post, generations, "{", 400, "bad_json"),
        MalformedRequest(.post, generations, "[]", 400, "bad_request"),
        MalformedRequest(.post, generations, "null", 400, "bad_request"),
        MalformedRequest(.post, generations, "\"prompt\"", 400, "bad_request"),
        MalformedRequest(.post, generations, "42", 400, "bad_request"),
        MalformedRequest(.post, generations, "{}", 400, "bad_request", "prompt"),
        MalformedRequest(.post, generations, "{\"prompt\":null}", 400, "bad_request", "prompt"),
        MalformedRequest(.post, generations, "{\"prompt\":\"a\",\"prompt\":\"b\"}", 400, "bad_json"),
        MalformedRequest(.post, generations, "{\"prompt\":\"a\"} x", 400, "bad_json"),
        MalformedRequest(.post, generations, "{\"prompt\":\"a\\u0000b\"}", 400, "bad_json"),
        MalformedRequest(.post, generations, "{\"prompt\":\"\\ud800\"}", 400, "bad_json"),
        MalformedRequest(.post, generations, "{\"prompt\":NaN}", 400, "bad_json"),
        MalformedRequest(.post, generations, "{\"prompt\":\"a\",\"steps\":Infinity}", 400, "bad_json"),
        MalformedRequest(.post, generations, "{'prompt':'a'}", 400, "bad_json"),
        MalformedRequest(.post, generations, "prompt=a", 400, "bad_json"),
        MalformedRequest(.post, generations, bytes: [0x7B, 0x22, 0xFF, 0x22, 0x7D], 400, "bad_json"),
        MalformedRequest(
            .post, generations, bytes: [0xEF, 0xBB, 0xBF] + Array("{\"prompt\":\"a\"}".utf8), 400, "bad_json"),
        MalformedRequest(.post, generations, bytes: [0xFF, 0xFE, 0x7B, 0x00], 400, "bad_json"),
        MalformedRequest(
            .post, generations, String(repeating: "[", count: 5000), 400, "bad_json"),
        MalformedRequest(
            .post, generations, "{\"prompt\":" + String(repeating: "{\"a\":", count: 5000), 400, "bad_json"),
        MalformedRequest(
            .post, generations, "{\"prompt\":\"a\"}", headers: [.contentType: "text/plain"], 415,
            "unsupported_media_type"),
        MalformedRequest(
            .post, generations, "{\"prompt\":\"a\"}",
            headers: [.contentType: "multipart/form-data; boundary=x"], 415,
            "unsupported_media_type"),
        MalformedRequest(
            .post, generations, "{\"prompt\":\"a\"}", headers: [.contentType: ""], 415,
            "unsupported_media_type"),
        MalformedRequest(
            .post, generations, "{\"prompt\":\"a\"}", headers: [.contentEncoding: "gzip"], 415,
            "unsupported_media_type"),
        MalformedRequest(
            .post, generations, "{\"prompt\":\"\(String(repeating: "a", count: 20_001))\"}", 400,
            "bad_request", "prompt"),
    ]

    /// Unknown, misspelt, not supported, of another type.
    private static let fields: [MalformedRequest] = [
        .painting("\"negativePrompt\":\"y\"", "unknown_field", "negativePrompt"),
        .painting("\"cfg_scale\":5", "unknown_field", "cfg_scale"),
        .painting("\"Steps\":5", "unknown_field", "Steps"),
        .painting("\"steps \":5", "unknown_field", "steps "),
        .painting("\"\":5", "unknown_field", ""),
        .painting("\"\\u0007\":5", "unknown_field", "?"),
        .painting("\"__proto__\":{}", "unknown_field", "__proto__"),
        .painting("\"loras\":[]", "not_supported", "loras", status: 422),
        .painting("\"mask\":\"aGk=\"", "not_supported", "mask", status: 422),
        .painting("\"previews\":true", "not_supported", "previews", status: 422),
        .painting("\"prompt2\":\"y\"", "unknown_field", "prompt2"),
        .painting("\"negative_prompt\":5", "bad_request", "negative_prompt"),
        .painting("\"negative_prompt\":[\"a\"]", "bad_request", "negative_prompt"),
        .painting("\"sampler\":1", "bad_request", "sampler"),
        .painting("\"schedule\":{}", "bad_request", "schedule"),
        .painting("\"model\":7", "bad_request", "model"),
        .painting("\"model\":\"other\"", "unknown_model", "model", status: 404),
        .painting("\"model\":\"../../etc/passwd\"", "unknown_model", "model", status: 404),
        .painting("\"format\":\"gif\"", "bad_request", "format"),
        .painting("\"format\":\"PNG\"", "bad_request", "format"),
        .painting("\"quality\":90", "bad_request", "quality"),
        .painting("\"format\":\"jpeg\",\"quality\":0", "bad_request", "quality"),
        .painting("\"format\":\"jpeg\",\"quality\":101", "bad_request", "quality"),
        .painting("\"format\":\"webp\",\"quality\":\"90\"", "bad_request", "quality"),
        .painting("\"embed_receipt\":\"yes\"", "bad_request", "embed_receipt"),
        .painting("\"embed_receipt\":1", "bad_request", "embed_receipt"),
        .painting("\"id\":\"\"", "bad_request", "id"),
        .painting("\"id\":\".hidden\"", "bad_request", "id"),
        .painting("\"id\":\"a/b\"", "bad_request", "id"),
        .painting("\"id\":\"caf\\u00e9\"", "bad_request", "id"),
        .painting("\"id\":\"\(String(repeating: "a", count: 65))\"", "bad_request", "id"),
        .painting("\"id\":5", "bad_request", "id"),
    ]

    /// Numbers out of range or of another kind.
    private static let numbers: [MalformedRequest] = [
        .painting("\"width\":\"512\"", "bad_request", "width"),
        .painting("\"width\":512.5", "bad_request", "width"),
        .painting("\"width\":513", "bad_request", "width"), .painting("\"width\":0", "bad_request", "width"),
        .painting("\"width\":-8", "bad_request", "width"),
        .painting("\"width\":8200", "bad_request", "width"),
        .painting("\"width\":99999999999999999999", "bad_request", "width"),
        .painting("\"width\":1e999", "bad_request", "width"),
        .painting("\"width\":true", "bad_request", "width"),
        .painting("\"height\":[512]", "bad_request", "height"),
        .painting("\"height\":1", "bad_request", "height"),
        .painting("\"steps\":0", "bad_request", "steps"), .painting("\"steps\":1001", "bad_request", "steps"),
        .painting("\"steps\":\"many\"", "bad_request", "steps"),
        .painting("\"steps\":-1", "bad_request", "steps"),
        .painting("\"count\":0", "bad_request", "count"), .painting("\"count\":65", "bad_request", "count"),
        .painting("\"guidance_scale\":-1", "bad_request", "guidance_scale"),
        .painting("\"guidance_scale\":101", "bad_request", "guidance_scale"),
        .painting("\"guidance_scale\":1e400", "bad_request", "guidance_scale"),
        .painting("\"guidance_scale\":\"5\"", "bad_request", "guidance_scale"),
        .painting("\"true_guidance_scale\":-0.1", "bad_request", "true_guidance_scale"),
        .painting("\"guidance_rescale\":1.1", "bad_request", "guidance_rescale"),
        .painting("\"text_tokens\":0", "bad_request", "text_tokens"),
        .painting("\"clip_skip\":-1", "bad_request", "clip_skip"),
        .painting("\"prompt_dialect\":\"latin\"", "bad_request", "prompt_dialect"),
        .painting("\"clip_skip\":65", "bad_request", "clip_skip"),
        .painting("\"seed\":-2", "bad_request", "seed"), .painting("\"seed\":1.5", "bad_request", "seed"),
        .painting("\"seed\":18446744073709551616", "bad_request", "seed"),
        .painting("\"seed\":\"0x10\"", "bad_request", "seed"),
        .painting("\"seed\":\"\"", "bad_request", "seed"),
        .painting("\"seed\":\"+1\"", "bad_request", "seed"),
        .painting("\"seed\":true", "bad_request", "seed"),
        .painting("\"seed\":18446744073709551615,\"count\":2", "bad_request", "seed"),
        .painting("\"priority\":11", "bad_request", "priority"),
        .painting("\"priority\":0.5", "bad_request", "priority"),
        .painting("\"deadline_seconds\":0", "bad_request", "deadline_seconds"),
        .painting("\"deadline_seconds\":-5", "bad_request", "deadline_seconds"),
        .painting("\"time_limit_seconds\":1e9", "bad_request", "time_limit_seconds"),
    ]

    /// Source pictures.
    private static let pictures: [MalformedRequest] = [
        .painting("\"image\":\"not base64!\"", "bad_request", "image"),
        .painting("\"image\":\"\"", "bad_request", "image"),
        .painting("\"image\":\"aGVsbG8=\"", "bad_request", "image"),
        .painting("\"image\":\"data:image/png,abc\"", "bad_request", "image"),
        .painting("\"image\":5", "bad_request", "image"),
        .painting("\"strength\":0.5", "bad_request", "strength"),
        .painting("\"image\":\"aGk=\",\"strength\":0", "bad_request", "strength"),
        .painting("\"image\":\"aGk=\",\"strength\":1.5", "bad_request", "strength"),
        .painting(
            "\"image\":\"aGk=\",\"image_url\":\"https://example.org/a.png\"", "bad_request", "image_url"),
        .painting("\"image_upload\":\"up-none\"", "bad_request", "image_upload"),
        .painting("\"image_url\":\"file:///etc/passwd\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"ftp://example.org/a.png\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"http://127.0.0.1/a.png\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"http://[::1]/a.png\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"http://169.254.169.254/latest/meta-data\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"http://2130706433/\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"http://user:secret@example.org/\"", "bad_image_url", "image_url"),
        .painting("\"image_url\":\"nonsense\"", "bad_image_url", "image_url"),
        MalformedRequest(.post, "/v1/uploads", "", 400, "bad_request"),
        MalformedRequest(.post, "/v1/uploads", "hello", 400, "bad_request", "body"),
    ]

    private static let queries: [MalformedRequest] = [
        MalformedRequest(.post, generations + "?wait=-1", "{\"prompt\":\"x\"}", 400, "bad_request", "wait"),
        MalformedRequest(.post, generations + "?wait=1e9", "{\"prompt\":\"x\"}", 400, "bad_request", "wait"),
        MalformedRequest(.post, generations + "?wait=nan", "{\"prompt\":\"x\"}", 400, "bad_request", "wait"),
        MalformedRequest(.post, generations + "?wait=soon", "{\"prompt\":\"x\"}", 400, "bad_request", "wait"),
        MalformedRequest(
            .post, generations + "?dry_run=perhaps", "{\"prompt\":\"x\"}", 400, "bad_request", "dry_run"),
        MalformedRequest(
            .post, generations + "?dry_run=true&wait=5", "{\"prompt\":\"x\"}", 400, "bad_request", "wait"),
        MalformedRequest(.post, generations + "?sync=1", "{\"prompt\":\"x\"}", 400, "unknown_field", "sync"),
        MalformedRequest(.get, generations + "?limit=0", nil, 400, "bad_request", "limit"),
        MalformedRequest(.get, generations + "?limit=201", nil, 400, "bad_request", "limit"),
        MalformedRequest(.get, generations + "?limit=5&limit=6", nil, 400, "bad_request", "limit"),
        MalformedRequest(.get, generations + "?status=waiting", nil, 400, "bad_request", "status"),
        MalformedRequest(.get, generations + "?status=queued,", nil, 400, "bad_request", "status"),
        MalformedRequest(.get, generations + "?favourite=2", nil, 400, "bad_request", "favourite"),
        MalformedRequest(.get, generations + "?before=yesterday", nil, 400, "bad_request", "before"),
        MalformedRequest(.get, generations + "?q=%FF", nil, 400, "bad_request"),
        MalformedRequest(.get, generations + "?q=%00", nil, 400, "bad_request"),
        MalformedRequest(.get, generations + "?q=%2", nil, 400, "bad_request"),
        MalformedRequest(.get, generations + "?statu=done", nil, 400, "unknown_field", "statu"),
        MalformedRequest(.get, generations + "?caller=admin", nil, 400, "unknown_field", "caller"),
        MalformedRequest(.delete, generations, nil, 400, "bad_request", "status"),
        MalformedRequest(.delete, generations + "?status=done", nil, 400, "bad_request", "status"),
        MalformedRequest(
            .get, "/v1/events", nil, headers: [.lastEventID: "x"], 400, "bad_request", "Last-Event-ID"),
        MalformedRequest(.get, "/v1/precision", nil, 422, "not_supported"),
        MalformedRequest(.post, "/v1/tokens", "{\"prompt\":\"x\"}", 422, "not_supported"),
    ]

    private static let paths: [MalformedRequest] = [
        MalformedRequest(.get, "/nothing", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/generations/none", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/generations/..%2F..%2Fetc%2Fpasswd", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/generations/%00", nil, 404, "not_found"),
        MalformedRequest(
            .get, "/v1/generations/\(String(repeating: "a", count: 5000))", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/images/none/0.png", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/images/../../etc/passwd", nil, 404, "not_found"),
        MalformedRequest(.get, "/v1/models/none", nil, 404, "unknown_model", "model"),
        MalformedRequest(.post, "/v1/models/none/load", nil, 404, "unknown_model", "model"),
        MalformedRequest(.put, generations, "{}", 405, "method_not_allowed"),
        MalformedRequest(.post, "/v1/events", "{}", 405, "method_not_allowed"),
        MalformedRequest(.post, "/livez", "", 405, "method_not_allowed"),
        MalformedRequest(.delete, "/v1/models/anime", nil, 405, "method_not_allowed"),
        MalformedRequest(.post, "/v1/generations/none/cancel", nil, 404, "not_found"),
        MalformedRequest(.delete, "/v1/generations/none", nil, 404, "not_found"),
    ]

    private static let marks: [MalformedRequest] = [
        MalformedRequest(.patch, "/v1/generations/finished", "{}", 400, "bad_request"),
        MalformedRequest(.patch, "/v1/generations/finished", "{\"tags\":\"a\"}", 400, "bad_request", "tags"),
        MalformedRequest(.patch, "/v1/generations/finished", "{\"tags\":[1]}", 400, "bad_request", "tags[0]"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"tags\":[\"\"]}", 400, "bad_request", "tags[0]"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"tags\":[\"a\",\"a\"]}", 400, "bad_request", "tags[1]"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"tags\":[\" a\"]}", 400, "bad_request", "tags[0]"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"favourite\":1}", 400, "bad_request", "favourite"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"favorite\":true}", 400, "unknown_field", "favorite"),
        MalformedRequest(
            .patch, "/v1/generations/finished", "{\"status\":\"done\"}", 400, "unknown_field", "status"),
        MalformedRequest(
            .patch, "/v1/generations/finished",
            "{\"tags\":[\((0..<33).map { "\"t\($0)\"" }.joined(separator: ","))]}", 400, "bad_request", "tags"
        ),
        MalformedRequest(.post, "/v1/generations/finished/retry", nil, 409, "conflict"),
    ]
}

@Suite struct MalformedRequestTests {
    @Test func `every malformed request is refused with its status, code and field`() async throws {
        #expect(MalformedRequest.all.count >= 80)
        let server = TestServer()
        try await server.finish("finished")
        try await server.call { client async throws in
            for request in MalformedRequest.all {
                let answer = try await client.execute(
                    uri: request.path, method: request.method, headers: request.headers,
                    body: request.body.map { ByteBuffer(bytes: $0) })
                let fault = answer.fault
                #expect(answer.status.code == request.status, "\(request.testDescription): \(answer.text)")
                #expect(fault?.code == request.code, "\(request.testDescription): \(answer.text)")
                #expect(fault?.field == request.field, "\(request.testDescription): \(answer.text)")
                #expect(fault?.message.contains("\n") == false, "\(request.testDescription)")
            }
        }
        // Nothing of it became a job.
        #expect(await server.engine.jobs.count == 1)
    }

    @Test(arguments: [
        ("cfg_scale", "guidance_scale"), ("negativePrompt", "negative_prompt"), ("num_images", "count"),
        ("stpes", "steps"), ("denoisingStrength", "strength"), ("sampler_name", "sampler"),
    ])
    func `an unknown field comes with a hint`(_ name: String, _ meant: String) async throws {
        try await TestServer().call { client async throws in
            let answer = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\",\"\(name)\":1}")
            #expect(answer.fault?.message.contains("did you mean '\(meant)'?") == true, "\(answer.text)")
        }
    }

    @Test func `a body that is too large is refused whether it says so or not`() async throws {
        let server = TestServer { $0.limits.pictureJSONBytes = 1000 }
        try await server.call { client async throws in
            let answer = try await client.send(
                .post, "/v1/generations", "{\"prompt\":\"\(String(repeating: "a", count: 2000))\"}")
            #expect(answer.status == .contentTooLarge)
            #expect(answer.fault?.code == "too_large")
        }
    }
}
