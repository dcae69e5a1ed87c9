import Engine
import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Server

@Suite struct GenerationTests {
    @Test func `a request becomes a job with everything it says`() async throws {
        let server = TestServer()
        let body = """
            {"prompt":"a cat 猫","negative_prompt":"","width":512,"height":768.0,"steps":20,"guidance_scale":7.5,
            "seed":"18446744073709551614","count":2,"sampler":"euler","schedule":"karras","clip_skip":1,"format":"jpeg",
            "quality":80,"embed_receipt":false,"id":"my-job","priority":3,"deadline_seconds":60,"time_limit_seconds":30,
            "guidance_rescale":0.5,"true_guidance_scale":2,"text_tokens":256,"prompt_dialect":"a1111"}
            """
        try await server.call { client async throws in
            let answer = try await client.send(
                .post, "/v1/generations", body, headers: [.contentType: "application/json"])
            #expect(answer.status == .accepted)
            #expect(answer.headers[.location] == "/v1/generations/my-job")
            #expect(answer.value("status") == "queued")
            #expect(answer.value("position") == 0)
            #expect(answer.value("request.seed_text") == "18446744073709551614")
            #expect(answer.text.contains("\"seed\":18446744073709551614"))
        }
        let job = try #require(await server.engine.jobs.first)
        #expect(job.id.text == "my-job")
        #expect(job.caller == "local")
        #expect(job.front == "v1")
        #expect(job.model == "anime")
        #expect(job.priority == 3)
        #expect(job.timeLimit == 30)
        #expect(job.deadline == job.submitted.addingTimeInterval(60))
        #expect(job.output.format == "jpeg" && job.output.quality == 80 && !job.output.embedsReceipt)
        var request = Generation.Request(prompt: "a cat 猫")
        request.negativePrompt = ""
        (request.width, request.height, request.steps) = (512, 768, 20)
        (request.guidanceScale, request.trueGuidanceScale, request.guidanceRescale) = (7.5, 2, 0.5)
        (request.seed, request.count, request.sampler, request.schedule) = (
            UInt64.max - 1, 2, "euler", "karras"
        )
        (request.clipSkip, request.textTokens, request.promptDialect) = (1, 256, .a1111)
        #expect(job.request == request)
    }

    @Test(arguments: ["-1", "null", "\"-1\""])
    func `a seed may be left to be drawn`(_ seed: String) async throws {
        let server = TestServer()
        try await server.call { client async throws in
            let answer = try await client.send(
                .post, "/v1/generations", "{\"prompt\":\"x\",\"seed\":\(seed)}")
            #expect(answer.status == .accepted)
            #expect(answer.value("request.seed") == nil)
        }
        #expect(await server.engine.jobs.first?.request.seed == nil)
    }

    @Test func `the same request with the same id is the same job, another is a conflict`() async throws {
        let server = TestServer()
        try await server.call { client async throws in
            let body = "{\"prompt\":\"x\",\"id\":\"a\"}"
            #expect(try await client.send(.post, "/v1/generations", body).status == .accepted)
            #expect(try await client.send(.post, "/v1/generations", body).status == .ok)
            let other = try await client.send(.post, "/v1/generations", "{\"prompt\":\"y\",\"id\":\"a\"}")
            #expect(other.status == .conflict)
            #expect(other.fault?.code == "conflict")
        }
        #expect(await server.engine.jobs.count == 1)
    }

    @Test func `a model may be left out only where there is one`() async throws {
        try await TestServer(models: ["a", "b"]).call { client async throws in
            let answer = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\"}")
            #expect(answer.fault?.code == "bad_request" && answer.fault?.field == "model")
            #expect(answer.fault?.message.contains("a, b") == true)
            let named = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\",\"model\":\"b\"}")
            #expect(named.status == .accepted)
        }
    }

    @Test func `wait holds the answer until the job has finished`() async throws {
        let server = TestServer()
        try await server.call { client async throws in
            async let answer = client.send(
                .post, "/v1/generations?wait=30", "{\"prompt\":\"x\",\"id\":\"w\"}")
            let id = try #require(JobID("w"))
            while await server.engine.waits.isEmpty { await Task.yield() }
            await server.engine.finish(
                id, .failed(Failure(.notFinite, "the picture is none", field: "guidance scale")))
            let got = try await answer
            #expect(got.status == .ok)
            #expect(got.value("status") == "failed")
            #expect(got.value("error.code") == "not_finite")
            #expect(got.value("error.field") == "guidance_scale")
        }
        #expect(await server.engine.waits == [30])
    }

    @Test func `a finished job says where its pictures are, with exact seeds and the receipt`() async throws {
        let server = TestServer()
        try await server.finish("done-1")
        try await server.call { client async throws in
            let answer = try await client.send(.get, "/v1/generations/done-1")
            #expect(answer.status == .ok)
            #expect(answer.value("pictures.0.url") == "/v1/images/done-1/0.png")
            #expect(answer.value("pictures.0.thumbnail_url") == "/v1/thumbnails/done-1/0.jpg")
            #expect(answer.value("pictures.0.seed") == .number(JSONNumber(text: "18446744073709551615")))
            #expect(answer.value("pictures.0.seed_text") == "18446744073709551615")
            #expect(answer.value("pictures.0.receipt.pixels_sha256") == "cd")
            #expect(answer.value("seconds.denoising") == 1.5)
            #expect(answer.value("notes.0") == "a note")
            #expect(answer.value("created") == "1970-01-01T00:00:00.000Z")
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test func `deleting cancels what waits, tells what runs, and forgets what has finished`() async throws {
        let server = TestServer()
        try await server.call { client async throws in
            for id in ["q", "r"] {
                _ = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\",\"id\":\"\(id)\"}")
            }
            await server.engine.run(try #require(JobID("r")))
            let queued = try await client.send(.delete, "/v1/generations/q")
            #expect(queued.status == .ok && queued.value("status") == "cancelled")
            let running = try await client.send(.post, "/v1/generations/r/cancel")
            #expect(running.status == .accepted && running.value("cancelling") == true)
            #expect(try await client.send(.delete, "/v1/generations/q").status == .noContent)
            #expect(try await client.send(.get, "/v1/generations/q").status == .notFound)
            // Cancelling what has finished changes nothing.
            try await server.finish("f")
            let finished = try await client.send(.post, "/v1/generations/f/cancel")
            #expect(finished.status == .ok && finished.value("status") == "done")
        }
    }

    @Test func `jobs are listed by page, marked, tried again and purged`() async throws {
        let server = TestServer()
        try await server.finish("old")
        try await server.call { client async throws in
            for number in 0..<3 {
                _ = try await client.send(
                    .post, "/v1/generations", "{\"prompt\":\"x\(number)\",\"id\":\"j\(number)\"}")
            }
            let first = try await client.send(.get, "/v1/generations?limit=2&status=queued,done")
            #expect(first.value("generations.0.id") == "j2")
            guard case .string(let cursor)? = first.value("cursor") else {
                return #expect(Bool(false), "no cursor")
            }
            let second = try await client.send(.get, "/v1/generations?limit=2&cursor=\(cursor)")
            #expect(second.value("generations.1.id") == "old")
            #expect(second.value("cursor") == nil)
            let marked = try await client.send(
                .patch, "/v1/generations/old", "{\"favourite\":true,\"tags\":[\"sea\",\"dusk\"]}")
            #expect(marked.value("favourite") == true && marked.value("tags.1") == "dusk")
            #expect(try await client.send(.get, "/v1/generations?tag=sea").value("generations.0.id") == "old")
            #expect(try await client.send(.get, "/v1/generations?q=x1").value("generations.0.id") == "j1")
            #expect(
                try await client.send(.patch, "/v1/generations/j0", "{\"favourite\":true}").status
                    == .conflict)
            #expect(try await client.send(.delete, "/v1/generations?status=queued").value("cancelled") == 3)
            #expect(try await client.send(.post, "/v1/generations/j0/retry").status == .accepted)
        }
    }

    @Test func `a dry run estimates and takes nothing in`() async throws {
        let server = TestServer()
        try await server.call { client async throws in
            for path in ["/v1/generations?dry_run=true", "/v1/estimates"] {
                let answer = try await client.send(.post, path, "{\"prompt\":\"x\",\"steps\":12}")
                #expect(answer.status == .ok)
                #expect(answer.value("steps") == 12)
                #expect(answer.value("plan") == "test")
            }
        }
        #expect(await server.engine.jobs.isEmpty)
    }

    @Test(arguments: Failure.Code.allCases)
    func `every failure of the engine has a status and keeps its code`(_ code: Failure.Code) async throws {
        let server = TestServer()
        await server.engine.refuse(Failure(code, "a reason", field: "clip skip"))
        try await server.call { client async throws in
            let answer = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\"}")
            #expect(answer.status.code == Rejection.status(code).code)
            #expect((400..<600).contains(answer.status.code))
            #expect(answer.fault?.code == code.rawValue)
            #expect(answer.fault?.field == "clip_skip")
            #expect((answer.headers[.retryAfter] != nil) == [.queueFull, .cannotRun].contains(code))
        }
    }

    @Test func `uploads are used by id, by their owner alone`() async throws {
        let server = TestServer()
        let png = try Fixture.png
        try await server.call { client async throws in
            let upload = try await client.execute(
                uri: "/v1/uploads", method: .post, body: ByteBuffer(bytes: png))
            #expect(upload.status == .created)
            #expect(upload.value("content_type") == "image/png")
            guard case .string(let id)? = upload.value("id") else {
                return #expect(Bool(false), "\(upload.text)")
            }
            let answer = try await client.send(
                .post, "/v1/generations", "{\"prompt\":\"x\",\"image_upload\":\"\(id)\",\"strength\":0.5}")
            #expect(answer.status == .accepted, "\(answer.text)")
            #expect(answer.value("request.strength") == 0.5)
            #expect(server.parts.uploads.get(id, caller: "somebody") == nil)
        }
        #expect(await server.engine.jobs.first?.request.image == png)
    }

    @Test func `a picture in base64 is taken, alone or as a data address`() async throws {
        let server = TestServer()
        let png = try Fixture.png
        let base64 = Data(png).base64EncodedString()
        try await server.call { client async throws in
            for text in [base64, "data:image/png;base64," + base64] {
                let answer = try await client.send(
                    .post, "/v1/generations", "{\"prompt\":\"x\",\"image\":\"\(text)\"}")
                #expect(answer.status == .accepted, "\(answer.text)")
            }
        }
        #expect(await server.engine.jobs.allSatisfy { $0.request.image == png })
    }
}
