import Foundation
import Testing

@testable import Server

/// RunPod's own Python client against the real server. It is set up by `Scripts/test-peers`.
struct RunPodClientTests {
    @Test func `the official client runs, streams, cancels and reads health`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let keys = try KeyStore(path: folder.appending(path: "keys.json").path)
        let key = try keys.add(name: "client", roles: [.generate])
        let report = try await RunPodRoom.serving(keys: keys) { room in
            try await Self.script(
                "runpod_client.py",
                ["RUNPOD_ENDPOINT_BASE_URL": "\(room.base)/v2", "RUNPOD_API_KEY": key], in: folder)
        }

        #expect(report["sync", "health", "workers", "idle"] == "1")
        #expect(report["sync", "health", "jobs", "inQueue"] == "0")
        #expect(report["sync", "run_sync", "success"] == "true")
        #expect(report["sync", "run_sync", "data"] == "list of 2")
        #expect(report["sync", "run_sync", "data", "1", "seed"] == "12")
        #expect(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"].contains(report["sync", "first_status"] ?? ""))
        #expect(report["sync", "output", "data"] == "list of 2")
        #expect(report["sync", "last_status"] == "COMPLETED")
        // It asks once a second: some progress, then the result.
        let count = try #require(report["sync", "stream"]?.split(separator: " ").last.flatMap { Int($0) })
        #expect(count >= 2)
        #expect(report["sync", "stream", "0", "progress", "stage"] == "denoising")
        #expect(report["sync", "stream", "\(count - 1)", "images"] == "list of 1")
        #expect(report["sync", "held"] == "IN_PROGRESS")
        #expect(report["sync", "purged", "removed"] == "1")
        #expect(report["sync", "purged_status"] == "CANCELLED")
        #expect(report["sync", "cancel", "status"] == "CANCELLED")
        #expect(report["sync", "cancelled"] == "CANCELLED")
        #expect(report["sync", "cancelled_stream"] == "list of 0")
        #expect(report["sync", "failed", "success"] == "false")
        #expect(report["sync", "failed", "code"] == "not_finite")
        #expect(report["sync", "empty", "code"] == "400")
        #expect(report["sync", "empty", "body", "output", "field"] == "prompt")
        #expect(report["sync", "bad", "body", "output", "field"] == "width")
        #expect(report["sync", "stranger", "message"]?.hasPrefix("401") == true)

        #expect(report["asyncio", "health", "workers", "idle"] == "1")
        #expect(report["asyncio", "output", "data"] == "list of 2")
        #expect(report["asyncio", "status"] == "COMPLETED")
        let pieces = try #require(report["asyncio", "stream"]?.split(separator: " ").last.flatMap { Int($0) })
        #expect(pieces >= 2)
        #expect(report["asyncio", "cancel", "status"] == "CANCELLED")
        #expect(report["asyncio", "cancelled"] == "CANCELLED")
        #expect(report["asyncio", "bad_status"] == "FAILED")
        #expect(report["asyncio", "bad", "field"] == "prompt")
        #expect(report["asyncio", "purged", "removed"] == "0")
    }

    /// The calls that the JavaScript client makes, in its order.
    @Test func `the JavaScript client's calls are answered as it reads them`() async throws {
        try await RunPodRoom.serving { room in
            let first = try await room.call(
                .POST, "/v2/gesso/runsync?wait=1000", #"{"input": {"prompt": "hold"}}"#)
            #expect(first["status"] == "IN_PROGRESS")
            let id = try #require(first["id"])
            // Any answer to a stream has a list, whatever the status.
            #expect(try await room.call(.GET, "/v2/gesso/stream/\(id)")["stream"]?.hasPrefix("list") == true)
            let waiting = try await room.call(.GET, "/v2/gesso/status-sync/\(id)?wait=1000")
            #expect(waiting.status == 200)
            #expect(waiting["status"] == "IN_PROGRESS")
            room.painter.open()
            let done = try await room.call(.GET, "/v2/gesso/status-sync/\(id)?wait=90000")
            #expect(done["status"] == "COMPLETED")
            #expect(done["output", "images"] == "list of 1")
        }
    }

    /// Runs a script of Scripts/peers/ with the peers' Python.
    /// - Returns: What it wrote, which must be JSON.
    private static func script(
        _ name: String, _ environment: [String: String], in folder: URL
    ) async throws -> RunPodAnswer {
        let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let python = project.appending(path: ".build-peers/venv/bin/python")
        try #require(
            FileManager.default.isExecutableFile(atPath: python.path),
            "Scripts/test-peers sets \(python.path) up")
        let output = folder.appending(path: "output")
        let errors = folder.appending(path: "errors")
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = python
        process.arguments = [project.appending(path: "Scripts/peers/\(name)").path]
        process.environment = environment.merging(["HOME": folder.path, "PYTHONDONTWRITEBYTECODE": "1"]) {
            own, _ in own
        }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let said = try String(contentsOf: errors, encoding: .utf8)
        try #require(status == 0, "\(said)")
        let text = try String(contentsOf: output, encoding: .utf8)
        return RunPodAnswer(
            status: 0, headers: [:], text: text, json: try JSONParser.parse(Array(text.utf8)))
    }
}
