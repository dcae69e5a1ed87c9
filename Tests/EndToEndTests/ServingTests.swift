import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

/// What a server must bear: many switches, many jobs, many listeners.
@Suite(.serialized) struct ServingTests {
    private let folder = temporaryFolder()

    @Test func `switching models through the server leaves its memory flat`() async throws {
        defer { removeFolder(of: folder + "/log") }
        let switches = ServedProgram.count("GESSO_TEST_SWITCHES", usually: 24)
        let server = try ServedProgram(in: folder)
        var resident: [Int] = []
        for round in 0..<switches {
            let (next, last) = round.isMultiple(of: 2) ? ("sdxl", "flux") : ("flux", "sdxl")
            _ = try await server.api.object("POST", "/v1/models/starter-\(last)/unload")
            let job = try await server.api.object(
                "POST", "/v1/generations?wait=60",
                [
                    "prompt": "a red apple", "model": "starter-\(next)", "width": 64, "height": 64,
                    "steps": 1,
                ])
            #expect(job["status"] as? String == "done")
            resident.append(server.resident)
        }
        let settled = resident[switches / 2]
        let last = resident[switches - 1]
        print(
            "resident after \(switches / 2) switches \(settled >> 10) kB, after \(switches) \(last >> 10) kB"
        )
        // The heaps still fill in the first dozens.
        #expect(Double(last) <= Double(settled) * (switches < 100 ? 1.05 : 1.02))
        #expect(server.stop() == 0)
    }

    @Test func `a long queue answers at once`() async throws {
        defer { removeFolder(of: folder + "/log") }
        let count = ServedProgram.count("GESSO_TEST_QUEUE", usually: 500)
        let server = try ServedProgram(in: folder)
        // Holds the device while the queue grows.
        let long = try await server.api.object(
            "POST", "/v1/generations",
            [
                "prompt": "x", "model": "starter-sdxl", "steps": 1000, "width": 256, "height": 256,
                "count": 8,
            ])
        var times: [String: [Double]] = [:]
        func timed(_ what: String, _ body: () async throws -> Void) async throws {
            let start = ContinuousClock.now
            try await body()
            times[what, default: []].append((ContinuousClock.now - start) / .milliseconds(1))
        }
        for number in 0..<count {
            try await timed("submit") {
                _ = try await server.api.object(
                    "POST", "/v1/generations",
                    ["id": "job-\(number)", "prompt": "a red apple \(number)", "model": "starter-sdxl"])
            }
        }
        for number in stride(from: 0, to: count, by: max(1, count / 500)) {
            try await timed("position") {
                let job = try await server.api.object("GET", "/v1/generations/job-\(number)")
                #expect(job["position"] as? Int != nil || job["status"] as? String != "queued")
            }
            try await timed("list") { _ = try await server.api.object("GET", "/v1/generations?limit=50") }
            try await timed("cancel") {
                _ = try await server.api.call("POST", "/v1/generations/job-\(number)/cancel")
            }
        }
        for (what, values) in times.sorted(by: { $0.key < $1.key }) {
            let sorted = values.sorted()
            let p99 = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
            print(
                "\(count) queued, \(what): median \(sorted[sorted.count / 2]) ms, p99 \(p99) ms, "
                    + "worst \(sorted[sorted.count - 1]) ms")
            // A busy machine is no fault of the server's; the figure by hand is held to 20 ms.
            #expect(p99 < 200)
        }
        let id = try #require(long["id"] as? String)
        _ = try await server.api.call("POST", "/v1/generations/\(id)/cancel")
        server.killNow()
    }

    @Test func `listeners, a slow one among them, do not slow the device`() async throws {
        defer { removeFolder(of: folder + "/log") }
        let listeners = ServedProgram.count("GESSO_TEST_LISTENERS", usually: 100)
        let server = try ServedProgram(in: folder)
        func paint() async throws -> Double {
            let job = try await server.api.object(
                "POST", "/v1/generations?wait=200",
                [
                    "prompt": "a red apple", "model": "starter-sdxl", "width": 128, "height": 128,
                    "steps": 60, "seed": 1,
                ], seconds: 300)
            let seconds = try #require(job["seconds"] as? [String: Any])
            return try #require(seconds["denoising"] as? Double)
        }
        _ = try await paint()
        var alone: [Double] = []
        for _ in 0..<3 { alone.append(try await paint()) }
        let address = server.api.address
        let tasks = (0..<listeners).map { index in
            Task {
                // One connection each, as browsers have.
                try await HTTPClient.withHTTPClient { client in
                    let request = HTTPClientRequest(url: address + "/v1/events")
                    let response = try await client.execute(request, timeout: .hours(1))
                    for try await _ in response.body where index == 0 {
                        try await Task.sleep(for: .seconds(2))
                    }
                }
            }
        }
        try await Task.sleep(for: .seconds(listeners > 200 ? 20 : 3))
        var watched: [Double] = []
        for _ in 0..<3 { watched.append(try await paint()) }
        for task in tasks { task.cancel() }
        let (before, after) = (alone.min() ?? 0, watched.min() ?? 0)
        print("60 steps: \(before) s alone, \(after) s with \(listeners) listeners, \(after / before)x")
        // On two cores the listeners themselves take a share of what computes.
        #expect(after < before * 2)
        server.killNow()
    }
}
