import Engine
import Foundation
import Generation
import Synchronization
import Testing

@testable import Server

struct RunPodFrontTests {
    private static let sync = "/v2/any-endpoint/runsync"
    private static let run = "/v2/any-endpoint/run"

    @Test func `the former front end gets its pictures`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, Self.sync,
                #"{"input": {"task_type": "text-to-image", "prompt": "a cat", "negativePrompt": "dogs", "width": 32, "height": 16, "steps": 4, "cfgScale": 6.5, "seed": 7, "numImages": 2, "baseModel": "anime", "lora_config": {}}}"#
            )
            #expect(answer.status == 200)
            #expect(answer["status"] == "COMPLETED")
            #expect(answer["id"]?.hasPrefix("sync-") == true)
            #expect(answer["output", "success"] == "true")
            #expect(answer["output", "data"] == "list of 2")
            #expect(answer["output", "data", "0", "seed"] == "7")
            #expect(answer["output", "data", "1", "seed"] == "8")
            #expect(answer["output", "data", "0", "width"] == "32")
            #expect(answer["output", "data", "0", "height"] == "16")
            #expect(answer["output", "data", "0", "steps"] == "4")
            #expect(answer["output", "data", "0", "cfgScale"] == "6.5")
            #expect(answer["output", "data", "0", "baseModel"] == "anime")
            #expect(answer["output", "data", "0", "prompt"] == "a cat")
            #expect(answer["output", "data", "0", "negativePrompt"] == "dogs")
            #expect(answer["output", "data", "0", "type"] == "text-to-image")
            #expect(answer["output", "data", "0", "createdAt"]?.hasSuffix("Z") == true)
            let id = try #require(answer["id"])
            #expect(answer["output", "data", "1", "url"] == "\(room.base)/v1/images/\(id)/1.png")
            #expect(answer["delayTime"] != nil)
            #expect(answer["executionTime"] != nil)
            #expect(answer["workerId"] == "gesso")
        }
    }

    @Test func `an input without a task type is answered as worker-comfyui does`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, Self.sync,
                #"{"input": {"prompt": "a cat", "seed": 3, "delivery": "inline", "frobnicate": 1}}"#)
            #expect(answer["output", "images", "0", "type"] == "base64")
            #expect(answer["output", "images", "0", "filename"] == "0.png")
            #expect(answer["output", "images", "0", "seed"] == "3")
            #expect(answer["output", "notes", "0"] == "the field 'frobnicate' is not known and had no effect")
            let data = Data(base64Encoded: try #require(answer["output", "images", "0", "data"]))
            #expect(data?.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))

            let address = try await room.call(.POST, Self.sync, #"{"input": {"prompt": "a cat"}}"#)
            #expect(address["output", "images", "0", "type"] == "s3_url")
            #expect(address["output", "images", "0", "data"]?.hasPrefix(room.base) == true)
        }
    }

    @Test func `image-to-image says so`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, Self.sync,
                #"{"input": {"task_type": "image-to-image", "params": {"prompt": "a", "image": "\#(RunPodInputTests.png)", "denoisingStrength": 0.75}}}"#
            )
            #expect(answer["output", "data", "0", "type"] == "image-to-image")
            #expect(answer["output", "data", "0", "denoisingStrength"] == "0.75")
        }
    }

    @Test func `run answers at once and the job is followed by status`() async throws {
        try await RunPodRoom.serving { room in
            let handed = try await room.call(
                .POST, Self.run, #"{"input": {"prompt": "hold on", "steps": 5}}"#)
            #expect(handed.status == 200)
            let id = try #require(handed["id"])
            #expect(handed.text == #"{"id":"\#(id)","status":"IN_QUEUE"}"#)

            let running = try await room.until {
                try await room.call(.GET, "/v2/other/status/\(id)")
            } holds: {
                $0["output", "progress", "step"] == "1"
            }
            #expect(running["status"] == "IN_PROGRESS")
            #expect(running["output", "progress", "stage"] == "denoising")
            #expect(running["output", "progress", "steps"] == "5")
            #expect(running["delayTime"] != nil)

            room.painter.open()
            let done = try await room.call(.POST, "/v2/any/status-sync/\(id)?wait=30000")
            #expect(done["status"] == "COMPLETED")
            #expect(done["output", "images"] == "list of 1")
        }
    }

    @Test func `runsync gives an unfinished job back when its wait is over`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, Self.sync + "?wait=1000", #"{"input": {"prompt": "hold"}}"#)
            #expect(answer.status == 200)
            #expect(answer["status"] == "IN_PROGRESS")
        }
    }

    @Test func `a stream hands out each piece once and the result last`() async throws {
        try await RunPodRoom.serving { room in
            let id = try #require(
                try await room.call(.POST, Self.run, #"{"input": {"prompt": "hold", "steps": 2}}"#)["id"])
            let first = try await room.until {
                try await room.call(.GET, "/v2/a/stream/\(id)")
            } holds: {
                $0["stream"] == "list of 1"
            }
            #expect(first["stream", "0", "output", "progress", "stage"] != nil)
            room.painter.open()
            _ = try await room.call(.GET, "/v2/a/status-sync/\(id)")
            let last = try await room.call(.POST, "/v2/a/stream/\(id)")
            #expect(last["status"] == "COMPLETED")
            #expect(last["stream", "0", "output", "images"] == "list of 1")
            let empty = try await room.call(.GET, "/v2/a/stream/\(id)")
            #expect(empty["status"] == "COMPLETED")
            #expect(empty["stream"] == "list of 0")
        }
    }

    @Test func `cancelling ends a running and a waiting job, and a stream of one ends as failed`()
        async throws
    {
        try await RunPodRoom.serving { room in
            let running = try #require(
                try await room.call(.POST, Self.run, #"{"input": {"prompt": "hold"}}"#)["id"])
            let waiting = try #require(
                try await room.call(.POST, Self.run, #"{"input": {"prompt": "next"}}"#)["id"])
            _ = try await room.until {
                try await room.call(.GET, "/v2/a/status/\(running)")
            } holds: {
                $0["status"] == "IN_PROGRESS"
            }
            for id in [waiting, running] {
                let answer = try await room.call(.POST, "/v2/a/cancel/\(id)", type: "application/json")
                #expect(answer.text == #"{"id":"\#(id)","status":"CANCELLED"}"#)
            }
            let ended = try await room.call(.GET, "/v2/a/status-sync/\(running)")
            #expect(ended["status"] == "CANCELLED")
            #expect(ended["error"] == "cancelled")
            let stream = try await room.call(.GET, "/v2/a/stream/\(running)")
            #expect(stream["status"] == "FAILED")
            #expect(stream["stream"] == "list of 0")
            let again = try await room.call(.POST, "/v2/a/cancel/\(running)")
            #expect(again["status"] == "CANCELLED")
            #expect(room.painter.prompts == ["hold"])
        }
    }

    @Test func `a failed job says why, and can be tried again`() async throws {
        try await RunPodRoom.serving { room in
            let answer = try await room.call(
                .POST, Self.sync, #"{"input": {"task_type": "text-to-image", "prompt": "fail"}}"#)
            #expect(answer.status == 200)
            #expect(answer["status"] == "FAILED")
            #expect(answer["error"] == "the picture is no picture: NaN after the decoder")
            #expect(answer["output", "success"] == "false")
            #expect(answer["output", "code"] == "not_finite")
            #expect(answer["output", "data"] == nil)
            let id = try #require(answer["id"])
            let retried = try await room.call(.POST, "/v2/a/retry/\(id)")
            #expect(retried.text == #"{"id":"\#(id)","status":"IN_QUEUE"}"#)
            _ = try await room.call(.GET, "/v2/a/status-sync/\(id)")
            #expect(room.painter.prompts == ["fail", "fail"])

            let done = try #require(
                try await room.call(.POST, Self.sync, #"{"input": {"prompt": "a"}}"#)["id"])
            let refused = try await room.call(.POST, "/v2/a/retry/\(done)")
            #expect(refused.status == 400)
            #expect(refused["error"] == "the job is COMPLETED: only FAILED and TIMED_OUT are tried again")
        }
    }

    @Test func `a job over its time is timed out`() async throws {
        try await RunPodRoom.serving(settings: { $0.executionTimeout = 0.2 }) { room in
            let answer = try await room.call(
                .POST, Self.sync, #"{"input": {"prompt": "many steps", "steps": 500}}"#)
            #expect(answer["status"] == "TIMED_OUT")
            #expect(answer["output", "code"] == "timed_out")
        }
    }

    @Test func `a job that waits beyond its life is timed out`() async throws {
        try await RunPodRoom.serving(settings: { $0.timeToLive = 4 }) { room in
            _ = try await room.call(
                .POST, Self.run, #"{"input": {"prompt": "hold"}, "policy": {"ttl": 60000}}"#)
            let answer = try await room.call(.POST, Self.sync, #"{"input": {"prompt": "late"}}"#)
            #expect(answer["status"] == "TIMED_OUT")
            #expect(answer["output", "code"] == "expired")
        }
    }

    @Test func `a policy becomes the job's priority, limit and deadline`() async throws {
        try await RunPodRoom.serving { room in
            let text = try #require(
                try await room.call(
                    .POST, Self.run,
                    #"{"input": {"prompt": "hold"}, "policy": {"executionTimeout": 7000, "ttl": 11000, "lowPriority": true}}"#
                )["id"])
            let id = try #require(JobID(text))
            let job = try #require(try await room.engine.job(id)).record.job
            #expect(job.timeLimit == 7)
            #expect(job.priority == -5)
            #expect(job.deadline == job.submitted.addingTimeInterval(11))
            #expect(job.front == "runpod")
        }
    }

    @Test func `models are switched and LoRAs are listed as none`() async throws {
        try await RunPodRoom.serving { room in
            let switched = try await room.call(
                .POST, Self.sync,
                #"{"input": {"task_type": "switch-base-model", "base_model_type": "anime"}}"#)
            #expect(switched["status"] == "COMPLETED")
            #expect(switched["output", "data", "current_base_model"] == "anime")
            #expect(await room.engine.models().contains { $0.model.id == "anime" && $0.state == .ready })

            let list = try await room.call(.POST, Self.sync, #"{"input": {"task_type": "get-loras"}}"#)
            #expect(list["output", "data", "loras"] == "list of 0")
            let byModel = try await room.call(
                .POST, Self.sync, #"{"input": {"task_type": "get-loras-by-model"}}"#)
            #expect(byModel["output", "data", "realistic"] == "list of 0")
            #expect(byModel["output", "data", "anime"] == "list of 0")

            let id = try #require(
                try await room.call(.POST, Self.run, #"{"input": {"task_type": "get-loras"}}"#)["id"])
            let done = try await room.call(.GET, "/v2/a/status-sync/\(id)")
            #expect(done["status"] == "COMPLETED")
            let unknown = try await room.call(
                .POST, Self.sync,
                #"{"input": {"task_type": "switch-base-model", "base_model_type": "cartoon"}}"#)
            #expect(unknown.status == 400)
            #expect(unknown["output", "code"] == "unknown_model")
        }
    }

    @Test func `purging and health count jobs`() async throws {
        try await RunPodRoom.serving { room in
            _ = try await room.call(.POST, Self.sync, #"{"input": {"prompt": "a"}}"#)
            let held = try #require(
                try await room.call(.POST, Self.run, #"{"input": {"prompt": "hold"}}"#)["id"])
            _ = try await room.until {
                try await room.call(.GET, "/v2/a/status/\(held)")
            } holds: {
                $0["status"] == "IN_PROGRESS"
            }
            for _ in 0..<2 { _ = try await room.call(.POST, Self.run, #"{"input": {"prompt": "b"}}"#) }
            let health = try await room.call(.GET, "/v2/a/health")
            #expect(
                health.text
                    == #"{"jobs":{"completed":1,"failed":0,"inProgress":1,"inQueue":2,"retried":0},"workers":{"idle":0,"initializing":0,"ready":0,"running":1,"throttled":0}}"#
            )
            let purged = try await room.call(.POST, "/v2/a/purge-queue", "{}")
            #expect(purged.text == #"{"removed":2,"status":"completed"}"#)
        }
    }

    @Test func `finished jobs are forgotten after their time`() async throws {
        let ahead = Mutex(0.0)
        try await RunPodRoom.serving(now: { Date().addingTimeInterval(ahead.withLock { $0 }) }) { room in
            let sync = try #require(
                try await room.call(.POST, Self.sync, #"{"input": {"prompt": "a"}}"#)["id"])
            let run = try #require(try await room.call(.POST, Self.run, #"{"input": {"prompt": "a"}}"#)["id"])
            _ = try await room.call(.GET, "/v2/a/status-sync/\(run)")
            ahead.withLock { $0 = 61 }
            let gone = try await room.call(.GET, "/v2/a/status/\(sync)")
            #expect(gone.status == 404)
            #expect(gone["status"] == "FAILED")
            #expect(gone["id"] == sync)
            #expect(try await room.call(.GET, "/v2/a/status/\(run)").status == 200)
            ahead.withLock { $0 = 1801 }
            #expect(try await room.call(.GET, "/v2/a/status/\(run)").status == 404)
        }
    }
}

extension RunPodRoom {
    /// Asks until an answer holds, for ten seconds.
    func until(
        _ ask: () async throws -> RunPodAnswer, holds: (RunPodAnswer) -> Bool
    ) async throws -> RunPodAnswer {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let answer = try await ask()
            if holds(answer) || ContinuousClock.now > end { return answer }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
