import Foundation
import Generation
import Testing

@testable import Server

struct RunPodInputTests {
    private func parse(_ json: String) throws -> RunPodTask {
        try RunPodInput.parse(try JSONParser.parse(Array(json.utf8)))
    }

    private func painting(_ json: String) throws -> RunPodPainting {
        guard case .paint(let painting) = try parse(json) else {
            throw Failure(.badRequest, "no picture")
        }
        return painting
    }

    private func failure(_ json: String) -> Failure? {
        do {
            _ = try parse(json)
            return nil
        } catch {
            return error as? Failure
        }
    }

    @Test func `the former worker's text-to-image becomes a request`() throws {
        let painting = try painting(
            """
            {"task_type": "text-to-image", "prompt": "a cat", "negativePrompt": "", "width": 1216, "height": 832,
             "steps": 12, "cfgScale": 1.5, "seed": -1, "numImages": 4, "baseModel": "realistic", "lora_config": {}}
            """)
        var request = Generation.Request(prompt: "a cat")
        request.negativePrompt = ""
        request.width = 1216
        request.height = 832
        request.steps = 12
        request.guidanceScale = 1.5
        request.count = 4
        #expect(painting.request == request)
        #expect(painting.model == "realistic")
        #expect(painting.shape == .data)
        #expect(painting.notes == [])
    }

    @Test func `names of other workers mean the same`() throws {
        let painting = try painting(
            """
            {"prompt": "a cat", "negative_prompt": "dogs", "num_inference_steps": 20, "guidance_scale": 7,
             "num_images": 2, "seed": 18446744073709551615, "sampler_name": "euler", "scheduler": "trailing",
             "clip_skip": 1, "model": "anime", "output_format": "jpg", "output_quality": 80, "delivery": "inline",
             "stream": true}
            """)
        #expect(painting.request.negativePrompt == "dogs")
        #expect(painting.request.steps == 20)
        #expect(painting.request.guidanceScale == 7)
        #expect(painting.request.count == 2)
        #expect(painting.request.seed == .max)
        #expect(painting.request.sampler == "euler")
        #expect(painting.request.schedule == "trailing")
        #expect(painting.request.clipSkip == 1)
        #expect(painting.output.format == "jpeg")
        #expect(painting.output.quality == 80)
        #expect(painting.delivery == .inline)
        #expect(painting.isStreamed)
        #expect(painting.shape == .images)
    }

    @Test func `params of the former worker's image-to-image stand for fields`() throws {
        let painting = try painting(
            """
            {"task_type": "image-to-image", "params": {"prompt": "a cat", "image": "\(Self.png)",
             "denoisingStrength": 0.8, "seed": 7, "lora_config": null}}
            """)
        #expect(painting.request.image == [UInt8](try #require(Data(base64Encoded: Self.png))))
        #expect(painting.request.strength == 0.8)
        #expect(painting.request.seed == 7)
    }

    @Test(arguments: ["", "data:image/png;base64,"]) func `a picture comes with or without its type`(
        prefix: String
    ) throws {
        let painting = try painting(#"{"prompt": "a", "image": "\#(prefix)\#(Self.png)"}"#)
        #expect(painting.request.image?.prefix(4) == [0x89, 0x50, 0x4E, 0x47])
    }

    @Test func `a picture by address is left to be fetched`() throws {
        #expect(
            try painting(#"{"prompt": "a", "image_url": "https://example.org/a.png"}"#).imageAddress != nil)
        #expect(try painting(#"{"prompt": "a", "image": "https://example.org/a.png"}"#).imageAddress != nil)
    }

    @Test func `an input wrapped twice is unwrapped`() throws {
        #expect(try painting(#"{"input": {"prompt": "a cat"}}"#).request.prompt == "a cat")
        #expect(failure(#"{"input": {}}"#)?.field == "prompt")
    }

    @Test func `tasks that paint nothing`() throws {
        #expect(
            try parse(#"{"task_type": "switch-base-model", "base_model_type": "anime"}"#)
                == .load(model: "anime"))
        #expect(try parse(#"{"task_type": "get-loras"}"#) == .listLoRAs)
        #expect(try parse(#"{"task_type": "get-loras-by-model"}"#) == .listLoRAsByModel)
    }

    @Test func `numbers as texts are taken, and what nobody knows is said`() throws {
        let painting = try painting(
            #"{"prompt": "a", "width": "512", "steps": 20.0, "cfgScale": "7.5", "seed": "-1", "user": "me", "lora_config": {"x": 0}}"#
        )
        #expect(painting.request.width == 512)
        #expect(painting.request.steps == 20)
        #expect(painting.request.guidanceScale == 7.5)
        #expect(painting.request.seed == nil)
        #expect(painting.notes == ["the field 'user' is not known and had no effect"])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let input: String
        let code: Failure.Code
        let field: String
        init(_ input: String, _ code: Failure.Code, _ field: String) {
            self.input = input
            self.code = code
            self.field = field
        }
        init(_ input: String, _ field: String) { self.init(input, .badRequest, field) }
        var testDescription: String { input }
    }

    static let bad: [Bad] = [
        Bad("[]", "input"), Bad(#""a cat""#, "input"), Bad("7", "input"), Bad("null", "input"),
        Bad("{}", "prompt"), Bad(#"{"prompt": null}"#, "prompt"), Bad(#"{"prompt": 7}"#, "prompt"),
        Bad(#"{"prompt": ["a"]}"#, "prompt"),
        Bad(#"{"task_type": "make-video", "prompt": "a"}"#, "task_type"),
        Bad(#"{"task_type": 7, "prompt": "a"}"#, "task_type"),
        Bad(#"{"task_type": "image-to-image", "prompt": "a"}"#, "image"),
        Bad(#"{"task_type": "text-to-image", "prompt": "a", "image": "\#(png)"}"#, "image"),
        Bad(#"{"prompt": "a", "image": "not base64!"}"#, "image"),
        Bad(#"{"prompt": "a", "image": "aGVsbG8gd29ybGQ="}"#, "image"),
        Bad(#"{"prompt": "a", "image": "data:image/png,abc"}"#, "image"),
        Bad(#"{"prompt": "a", "image": 7}"#, "image"),
        Bad(#"{"prompt": "a", "image": "\#(png)", "image_url": "https://example.org"}"#, "image_url"),
        Bad(#"{"prompt": "a", "width": "0x200"}"#, "width"), Bad(#"{"prompt": "a", "width": ""}"#, "width"),
        Bad(#"{"prompt": "a", "cfgScale": "nan"}"#, "cfgScale"),
        Bad(#"{"prompt": "a", "seed": "0x7"}"#, "seed"),
        Bad(#"{"prompt": "a", "width": "wide"}"#, "width"), Bad(#"{"prompt": "a", "width": 512.5}"#, "width"),
        Bad(#"{"prompt": "a", "width": true}"#, "width"), Bad(#"{"prompt": "a", "width": 513}"#, "width"),
        Bad(#"{"prompt": "a", "width": -8}"#, "width"), Bad(#"{"prompt": "a", "width": 1e99}"#, "width"),
        Bad(#"{"prompt": "a", "steps": 0}"#, "steps"), Bad(#"{"prompt": "a", "steps": {}}"#, "steps"),
        Bad(#"{"prompt": "a", "cfgScale": "high"}"#, "cfgScale"),
        Bad(#"{"prompt": "a", "cfgScale": 1e999}"#, "cfgScale"),
        Bad(#"{"prompt": "a", "cfgScale": 7, "guidance_scale": 8}"#, "guidance_scale"),
        Bad(#"{"prompt": "a", "seed": -2}"#, "seed"), Bad(#"{"prompt": "a", "seed": 1.5}"#, "seed"),
        Bad(#"{"prompt": "a", "seed": 18446744073709551616}"#, "seed"),
        Bad(#"{"prompt": "a", "seed": false}"#, "seed"),
        Bad(#"{"prompt": "a", "numImages": 0}"#, "count"), Bad(#"{"prompt": "a", "numImages": 65}"#, "count"),
        Bad(#"{"prompt": "a", "denoisingStrength": 0}"#, "strength"),
        Bad(#"{"prompt": "a", "output_format": "gif"}"#, "output_format"),
        Bad(#"{"prompt": "a", "output_quality": 101}"#, "output_quality"),
        Bad(#"{"prompt": "a", "delivery": "ftp"}"#, "delivery"),
        Bad(#"{"prompt": "a", "stream": "true"}"#, "stream"), Bad(#"{"prompt": "a", "stream": 1}"#, "stream"),
        Bad(#"{"prompt": "a", "params": []}"#, "params"),
        Bad(#"{"steps": 3, "params": {"steps": 4, "prompt": "a"}}"#, "params.steps"),
        Bad(#"{"task_type": "switch-base-model"}"#, "base_model_type"),
        Bad(#"{"task_type": "switch-base-model", "base_model_type": 1}"#, "base_model_type"),
        Bad(#"{"workflow": {"3": {}}}"#, .notSupported, "workflow"),
        Bad(#"{"prompt": "a", "images": [{"name": "a", "image": "b"}]}"#, .notSupported, "images"),
        Bad(#"{"prompt": "a", "mask": "abc"}"#, .notSupported, "mask"),
        Bad(#"{"prompt": "a", "lora_config": {"film": 0.8}}"#, .notSupported, "lora_config"),
        Bad(#"{"prompt": "a", "lora_config": "film"}"#, .notSupported, "lora_config"),
        Bad(#"{"prompt": "a", "loras": ["film"]}"#, .notSupported, "loras"),
        Bad(#"{"task_type": "switch-single-lora", "lora_id": "film"}"#, .notSupported, "lora_id"),
        Bad(#"{"task_type": "switch-lora", "lora_id": "film"}"#, .notSupported, "lora_id"),
        Bad(#"{"task_type": "load-loras", "lora_config": {"film": 1}}"#, .notSupported, "lora_config"),
        Bad(#"{"prompt": "\#(String(repeating: "a", count: 20_001))"}"#, "prompt"),
    ]

    @Test(arguments: bad) func `bad input is refused by its field's name`(bad: Bad) {
        let failure = failure(bad.input)
        #expect(failure?.code == bad.code)
        #expect(failure?.field == bad.field)
        #expect(failure?.message.isEmpty == false)
    }

    /// One grey point.
    static let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
}

struct RunPodSubmissionTests {
    private func parse(_ json: String) throws -> RunPodSubmission {
        try RunPodSubmission.parse(try JSONParser.parse(Array(json.utf8)))
    }

    @Test func `a policy is read as seconds`() throws {
        let submission = try parse(
            #"{"input": {}, "policy": {"executionTimeout": 5000, "ttl": 10000, "lowPriority": true}, "webhook": "https://example.org"}"#
        )
        #expect(submission.executionTimeout == 5)
        #expect(submission.timeToLive == 10)
        #expect(submission.isLowPriority)
        #expect(submission.webhook == "https://example.org")
    }

    @Test func `a client's store is read whole`() throws {
        let submission = try parse(
            #"{"input": {}, "s3Config": {"accessId": "i", "accessSecret": "s", "bucketName": "b", "endpointUrl": "https://s3.example.org"}}"#
        )
        #expect(submission.store?.bucket == "b")
        #expect(submission.store?.path == nil)
    }

    @Test(arguments: [
        ("[]", "input"), ("{}", "input"), (#"{"input": null}"#, "input"),
        (#"{"input": {}, "webhook": 7}"#, "webhook"),
        (#"{"input": {}, "webhookV2": "https://a.example"}"#, "webhookV2"),
        (#"{"input": {}, "policy": []}"#, "policy"),
        (#"{"input": {}, "policy": {"executionTimeout": 4999}}"#, "policy.executionTimeout"),
        (#"{"input": {}, "policy": {"executionTimeout": 604800001}}"#, "policy.executionTimeout"),
        (#"{"input": {}, "policy": {"executionTimeout": "soon"}}"#, "policy.executionTimeout"),
        (#"{"input": {}, "policy": {"ttl": 9999}}"#, "policy.ttl"),
        (#"{"input": {}, "policy": {"lowPriority": "true"}}"#, "policy.lowPriority"),
        (#"{"input": {}, "policy": {"lowPriority": 1}}"#, "policy.lowPriority"),
        (#"{"input": {}, "s3Config": "b"}"#, "s3Config"),
        (#"{"input": {}, "s3Config": {"bucketName": "b"}}"#, "s3Config.endpointUrl"),
    ]) func `a bad body is refused by its field's name`(json: String, field: String) {
        let failure = #expect(throws: Failure.self) { try parse(json) }
        #expect(failure?.field == field)
    }
}
