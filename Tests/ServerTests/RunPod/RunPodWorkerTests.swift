import Engine
import Foundation
import Generation
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Testing

@testable import Server

struct RunPodWorkerTests {
    /// A worker, the engine it stands on, the source it takes jobs from, and the group that both run in.
    struct Shop: Sendable {
        let source: RunPodJobSource
        let room: RunPodRoom
        let group: ServiceGroup

        /// Waits for something to be so, for a minute: beside all other tests things take their time.
        func until(_ holds: () async -> Bool) async throws {
            let end = ContinuousClock.now + .seconds(60)
            while !(await holds()), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
            try #require(await holds())
        }

        func result(of job: String) async throws -> RunPodJobSource.Heard {
            try await until { source.posts(of: job).contains { Self.isResult($0) } }
            return try #require(source.posts(of: job).first { Self.isResult($0) })
        }

        static func isResult(_ heard: RunPodJobSource.Heard) -> Bool {
            heard.kind == "job-done" && !heard.body.contains("IN_PROGRESS")
        }
    }

    private static func working<Answer: Sendable>(
        environment more: [String: String] = [:], images: (any ImageStore)? = nil, checks: [RunPodCheck] = [],
        prepare: (RunPodJobSource) -> Void = { _ in },
        settings change: (inout RunPodWorkerSettings) -> Void = { _ in },
        _ body: (Shop) async throws -> Answer
    ) async throws -> Answer {
        let source = RunPodJobSource()
        prepare(source)
        var settings = RunPodWorkerSettings()
        settings.progressSeconds = 0.01
        settings.resultWaits = [0.02, 0.02]
        settings.emptyPause = 0.01
        settings.busyPause = 0.2
        settings.errorPause = 0.05
        settings.stopPause = 0.01
        change(&settings)
        return try await source.serving { base in
            let room = RunPodRoom(store: images)
            let worker = RunPodWorker(
                environment: try RunPodEnvironment(RunPodJobSource.environment(base, more)),
                jobs: room.engine,
                images: images ?? room.images, settings: settings, checks: checks, logger: RunPodRoom.logger)
            let services: [any Service] = [room.engine, worker]
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services.map {
                        ServiceGroupConfiguration.ServiceConfiguration(
                            service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
                    }, logger: RunPodRoom.logger))
            let running = Task { try await group.run() }
            let result: Swift.Result<Answer, any Error>
            do {
                result = .success(try await body(Shop(source: source, room: room, group: group)))
            } catch {
                result = .failure(error)
            }
            room.painter.open()
            await group.triggerGracefulShutdown()
            do { try await running.value } catch { if case .success = result { throw error } }
            return try result.get()
        }
    }

    @Test func `a job is taken, painted and brought with its picture inside`() async throws {
        try await Self.working { shop in
            shop.source.offer(
                #"{"id": "abc-u1", "input": {"task_type": "text-to-image", "prompt": "a cat", "seed": 5, "numImages": 2}}"#
            )
            let result = try await shop.result(of: "abc-u1")
            let body = try JSONParser.parse(Array(result.body.utf8))
            let answer = RunPodAnswer(status: 200, headers: [:], text: result.body, json: body)
            #expect(answer["output", "success"] == "true")
            #expect(answer["output", "data"] == "list of 2")
            #expect(answer["output", "data", "0", "seed"] == "5")
            #expect(answer["output", "data", "1", "url"]?.hasPrefix("data:image/png;base64,iVBOR") == true)
            #expect(answer["error"] == nil)
            #expect(result.query == "gpu=none&isStream=false")
            #expect(result.headers["authorization"] == "secret")
            #expect(result.headers["x-request-id"] == "abc-u1")
            let take = try #require(shop.source.heard("job-take").first)
            #expect(take.query == "gpu=none&job_in_progress=0")
            #expect(take.headers["authorization"] == "secret")
            // Pictures that went out inside the answer are not kept here.
            let id = try #require(JobID("abc-u1"))
            try await shop.until { await shop.room.isForgotten(id) }
        }
    }

    @Test func `progress comes in order, before the result, and never beside it`() async throws {
        // The source takes its time with each: whatever did not wait for its answer would come in between.
        try await Self.working(prepare: { $0.delayProgress(.milliseconds(250)) }) { shop in
            shop.source.offer(#"{"id": "p1", "input": {"prompt": "paced", "steps": 6}}"#)
            for step in 1...6 {
                try await shop.until {
                    shop.source.posts(of: "p1").contains { $0.body.contains(#""step":\#(step),"#) }
                }
                shop.room.painter.allowStep()
            }
            _ = try await shop.result(of: "p1")
            let posts = shop.source.posts(of: "p1")
            let progress = posts.dropLast()
            #expect(progress.count >= 6)
            #expect(progress.allSatisfy { $0.body.hasPrefix(#"{"output":{"progress":{"#) })
            #expect(progress.allSatisfy { $0.body.hasSuffix(#""status":"IN_PROGRESS"}"#) })
            #expect(posts.last.map(Shop.isResult) == true)
            for (earlier, later) in zip(posts, posts.dropFirst()) {
                let ended = try #require(earlier.ended)
                #expect(ended <= later.began)
            }
            let steps = progress.compactMap { post in
                RunPodAnswer(
                    status: 200, headers: [:], text: "", json: try? JSONParser.parse(Array(post.body.utf8)))[
                        "output", "progress", "step"
                    ].flatMap { Int($0) }
            }
            #expect(steps == steps.sorted())
            #expect(Set(steps) == Set(1...6))
        }
    }

    @Test func `failures say why, and the worker goes on`() async throws {
        try await Self.working { shop in
            shop.source.offer(#"{"id": "f1", "input": {"prompt": "fail"}}"#)
            shop.source.offer(#"{"id": "f2", "input": {"prompt": "a", "lora_config": {"film": 1}}}"#)
            shop.source.offer(#"{"id": "f3"}"#)
            shop.source.offer(#"{"id": "f4", "input": {"prompt": "a", "baseModel": "none"}}"#)
            shop.source.offer(#"{"id": "f5", "input": {"prompt": "a"}, "s3Config": {"bucketName": "b"}}"#)
            shop.source.offer(#"[{"no": "id"}, 7]"#)
            shop.source.offer("no JSON")
            shop.source.offer(#"{"id": "ok", "input": {"prompt": "a"}}"#)
            let failed = try await shop.result(of: "f1")
            #expect(
                failed.body.hasPrefix(
                    #"{"error":"the picture is no picture: NaN after the decoder","output":{"code":"not_finite""#
                ))
            #expect(try await shop.result(of: "f2").body.contains(#""code":"not_supported""#))
            #expect(try await shop.result(of: "f2").body.contains(#""field":"lora_config""#))
            #expect(try await shop.result(of: "f3").body.contains(#""field":"input""#))
            #expect(try await shop.result(of: "f4").body.contains(#""code":"unknown_model""#))
            #expect(try await shop.result(of: "f5").body.contains(#""field":"s3Config""#))
            #expect(try await shop.result(of: "ok").body.contains(#""images":["#))
        }
    }

    @Test func `tasks that paint nothing are done`() async throws {
        try await Self.working { shop in
            shop.source.offer(
                #"{"id": "m", "input": {"task_type": "switch-base-model", "base_model_type": "anime"}}"#)
            shop.source.offer(#"{"id": "l", "input": {"task_type": "get-loras"}}"#)
            let switched = try await shop.result(of: "m").body
            #expect(
                switched
                    == #"{"output":{"data":{"current_base_model":"anime"},"success":true}}"#)
            let listed = try await shop.result(of: "l").body
            #expect(
                listed
                    == #"{"output":{"data":{"current_config":{},"loras":[]},"success":true}}"#)
        }
    }

    @Test func `every answer of the job source is lived with`() async throws {
        try await Self.working(prepare: { $0.answerTakes(with: [204, 400, 500, 503, 429, 204]) }) { shop in
            shop.source.offer(#"{"id": "late", "input": {"prompt": "a"}}"#)
            _ = try await shop.result(of: "late")
            let takes = shop.source.heard("job-take")
            #expect(takes.count >= 7)
            // After 500 and 503 a rest, after 429 a longer one.
            let ended = try takes.prefix(6).map { try #require($0.ended) }
            #expect(takes[3].began - ended[2] >= .milliseconds(50))
            #expect(takes[5].began - ended[4] >= .milliseconds(200))
        }
    }

    @Test func `a result is brought again when it was not taken, and not when it never will be`() async throws
    {
        try await Self.working(prepare: { $0.answerResults(with: [500, 429, 200, 404, 200]) }) { shop in
            shop.source.offer(#"{"id": "again", "input": {"task_type": "get-loras"}}"#)
            try await shop.until { shop.source.posts(of: "again").count == 3 }
            shop.source.offer(#"{"id": "never", "input": {"task_type": "get-loras"}}"#)
            shop.source.offer(#"{"id": "next", "input": {"task_type": "get-loras"}}"#)
            _ = try await shop.result(of: "next")
            #expect(shop.source.posts(of: "never").count == 1)
        }
    }

    @Test func `a job is stopped from outside and nothing more is posted for it`() async throws {
        try await Self.working { shop in
            shop.source.offer(#"{"id": "s1", "input": {"prompt": "hold"}}"#)
            try await shop.until { shop.room.painter.prompts == ["hold"] }
            shop.source.stop("s1")
            shop.source.stop("unknown")
            let id = try #require(JobID("s1"))
            try await shop.until { await shop.room.isForgotten(id) }
            shop.source.offer(#"{"id": "s2", "input": {"prompt": "next"}}"#)
            shop.room.painter.open()
            _ = try await shop.result(of: "s2")
            #expect(!shop.source.posts(of: "s1").contains(where: Shop.isResult))
            let stop = try #require(shop.source.heard("job-stop").first)
            #expect(stop.query == "gpu=none")
            // Handed out again, it runs again.
            shop.source.offer(#"{"id": "s1", "input": {"prompt": "hold"}}"#)
            let result = try await shop.result(of: "s1")
            #expect(result.body.contains(#""images":["#))
        }
    }

    @Test func `signs of life name the held jobs and go on while one is in the works`() async throws {
        try await Self.working(prepare: { $0.answerPings(with: [500]) }) { shop in
            shop.source.offer(#"{"id": "h1", "input": {"prompt": "hold"}}"#)
            try await shop.until { shop.room.painter.prompts == ["hold"] }
            let before = shop.source.heard("ping").count
            try await shop.until { shop.source.heard("ping").count >= before + 6 }
            let pings = shop.source.heard("ping")
            #expect(pings.first?.query == "gpu=none&runpod_version=1.12.0")
            #expect(pings.last?.query == "gpu=none&job_id=h1&runpod_version=1.12.0")
            let last = pings.suffix(5)
            for (earlier, later) in zip(last, last.dropFirst()) {
                #expect(later.began - earlier.began >= .milliseconds(45))
            }
            shop.room.painter.open()
            _ = try await shop.result(of: "h1")
            // While a job is held, only the stop channel and signs of life are asked for.
            #expect(shop.source.heard("job-take").allSatisfy { $0.query.hasSuffix("job_in_progress=0") })
        }
    }

    @Test func `several jobs are held when that is allowed`() async throws {
        try await Self.working(settings: { $0.concurrency = 3 }) { shop in
            shop.source.offer(
                #"[{"id": "b1", "input": {"prompt": "hold"}}, {"id": "b2", "input": {"prompt": "hold"}}]"#)
            try await shop.until {
                shop.source.heard("job-take").contains { $0.query == "gpu=none&job_in_progress=1" }
            }
            #expect(
                shop.source.heard("job-take-batch").first?.query == "gpu=none&batch_size=3&job_in_progress=0")
            try await shop.until { shop.source.heard("ping").last?.query.contains("job_id=b1,b2&") == true }
            shop.room.painter.open()
            _ = try await shop.result(of: "b1")
            _ = try await shop.result(of: "b2")
        }
    }

    @Test func `told to stop, it takes no more jobs, finishes the held one and brings its result`()
        async throws
    {
        let source = try await Self.working { shop in
            shop.source.offer(#"{"id": "last", "input": {"prompt": "hold"}}"#)
            try await shop.until { shop.room.painter.prompts == ["hold"] }
            await shop.group.triggerGracefulShutdown()
            shop.source.offer(#"{"id": "refused", "input": {"prompt": "a"}}"#)
            let pings = shop.source.heard("ping").count
            try await shop.until { shop.source.heard("ping").count >= pings + 3 }
            #expect(shop.source.posts(of: "last").filter(Shop.isResult).isEmpty)
            shop.room.painter.open()
            _ = try await shop.result(of: "last")
            return shop.source
        }
        // The group has ended: all that was to come has come.
        #expect(source.posts(of: "last").filter(Shop.isResult).count == 1)
        #expect(source.posts(of: "last").last?.body.contains(#""images":["#) == true)
        #expect(source.posts(of: "refused").isEmpty)
    }

    @Test func `told to stop while it waits for a job, it ends at once`() async throws {
        // The source would let it wait for a minute.
        let began = try await Self.working(prepare: { $0.holdQuestions(for: .seconds(60)) }) { shop in
            try await shop.until { !shop.source.heard("job-take").isEmpty }
            return ContinuousClock.now
        }
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test func `a streamed job posts its pieces to the stream and ends it`() async throws {
        try await Self.working { shop in
            shop.source.offer(#"{"id": "st", "input": {"prompt": "paced", "steps": 2, "stream": true}}"#)
            try await shop.until { !shop.source.heard("job-stream").isEmpty }
            shop.room.painter.open()
            let result = try await shop.result(of: "st")
            #expect(result.query == "gpu=none&isStream=true")
            let pieces = shop.source.heard("job-stream")
            #expect(pieces.count >= 2)
            #expect(pieces.first?.body.hasPrefix(#"{"output":{"progress":{"#) == true)
            #expect(pieces.last?.body.contains(#""images":["#) == true)
            #expect(pieces.last?.query == "gpu=none&isStream=false")
            #expect(shop.source.heard("job-done").count == 1)
        }
    }

    @Test func `a result beyond what the platform takes fails and says so`() async throws {
        try await Self.working(images: RunPodHeavyStore(bytes: 16_000_000)) { shop in
            shop.source.offer(#"{"id": "large", "input": {"prompt": "a"}}"#)
            let result = try await shop.result(of: "large")
            #expect(result.body.contains(#""code":"delivery_failed""#))
            #expect(result.body.contains("10000000"))
            shop.source.offer(#"{"id": "sync-large", "input": {"prompt": "a"}}"#)
            let sync = try await shop.result(of: "sync-large")
            #expect(sync.body.contains("20000000"))
        }
    }

    @Test func `a store gives addresses, its own or the one that a job brings`() async throws {
        let own = RunPodAddressStore("https://own.example/"),
            brought = RunPodAddressStore("https://brought.example/")
        try await Self.working(images: own, settings: { $0.makeStore = { _ in brought } }) { shop in
            shop.source.offer(#"{"id": "o1", "input": {"task_type": "text-to-image", "prompt": "a"}}"#)
            #expect(try await shop.result(of: "o1").body.contains(#""url":"https://own.example/o1/0.png""#))
            shop.source.offer(
                #"{"id": "b1", "input": {"prompt": "a"}, "s3Config": {"accessId": "i", "accessSecret": "s", "bucketName": "b", "endpointUrl": "https://brought.example"}}"#
            )
            let body = try await shop.result(of: "b1").body
            #expect(body.contains(#""data":"https://brought.example/b1/0.png""#))
            #expect(body.contains(#""type":"s3_url""#))
            #expect(try await own.get(try #require(ImageKey("o1/0.png")), range: nil) != nil)
            #expect(try await brought.get(try #require(ImageKey("b1/0.png")), range: nil) != nil)
            // What was copied is not kept twice.
            let id = try #require(JobID("b1"))
            try await shop.until { await shop.room.isForgotten(id) }
            #expect(try await own.get(try #require(ImageKey("b1/0.png")), range: nil) == nil)
        }
    }

    @Test func `a worker that is to be replaced says so and ends`() async throws {
        let source = try await Self.working(environment: ["REFRESH_WORKER": "true"]) { shop in
            shop.source.offer(#"{"id": "one", "input": {"task_type": "get-loras"}}"#)
            shop.source.offer(#"{"id": "two", "input": {"task_type": "get-loras"}}"#)
            let result = try await shop.result(of: "one")
            #expect(result.body.hasSuffix(#""stopPod":true}"#))
            try await Task.sleep(for: .milliseconds(200))
            return shop.source
        }
        #expect(source.posts(of: "two").isEmpty)
    }

    @Test func `a failed check is told, and no job is taken`() async throws {
        let source = Mutex<RunPodJobSource?>(nil)
        await #expect(throws: Failure.self) {
            try await Self.working(
                checks: [RunPodCheck("model") { throw Failure(.badCheckpoint, "no such file") }],
                prepare: { made in source.withLock { $0 = made } }
            ) { shop in
                try await shop.until { !shop.source.heard("ping").isEmpty }
            }
        }
        let made = try #require(source.withLock { $0 })
        #expect(
            made.heard("ping").first?.query == "gpu=none&status=unhealthy&check=model&reason=no%20such%20file"
        )
        #expect(made.heard("job-take").isEmpty)
    }
}

/// In memory, with addresses.
final class RunPodAddressStore: ImageStore {
    private let inner = MemoryImageStore()
    private let base: String
    init(_ base: String) { self.base = base }

    func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        try await inner.put(bytes, contentType: contentType, at: key)
    }
    func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        try await inner.get(key, range: range)
    }
    func address(of key: ImageKey, lifetime: Int) async throws -> String? { base + key.text }
    func remove(_ keys: [ImageKey]) async throws { try await inner.remove(keys) }
}

/// Gives every picture as so many bytes.
final class RunPodHeavyStore: ImageStore {
    private let bytes: Int
    init(bytes: Int) { self.bytes = bytes }

    func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {}
    func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        ImageBytes(
            bytes: [UInt8](repeating: 7, count: bytes), total: bytes, contentType: "image/png", tag: "heavy")
    }
    func address(of key: ImageKey, lifetime: Int) async throws -> String? { nil }
    func remove(_ keys: [ImageKey]) async throws {}
}
