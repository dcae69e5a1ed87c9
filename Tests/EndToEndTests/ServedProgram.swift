import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import TestSupport
import Testing

/// `gesso serve` as a process of its own, on loopback, with the bundled models.
final class ServedProgram {
    let process: Process
    let api: ServedAPI
    private let output: Pipe

    /// The executable that was built beside the tests.
    static let executable = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("gesso")

    /// Starts it and waits until it listens.
    /// - Parameter folder: Its data, configuration and log; a second start on the same one finds what the first left.
    init(in folder: String) throws {
        let configuration = """
            server:
              port: 0
              limits: { calls_per_minute: 1000000 }
            storage:
              data: data
            models:
              - { id: starter-sdxl, path: \(Fixture.path("../Checkpoints/starter-sdxl")) }
              - { id: starter-flux, path: \(Fixture.path("../Checkpoints/starter-flux")) }
            """
        try configuration.write(toFile: folder + "/gesso.yaml", atomically: true, encoding: .utf8)
        let log = folder + "/log"
        process = Process()
        process.executableURL = Self.executable
        process.arguments = ["serve", "--config", folder + "/gesso.yaml"]
        process.environment = Self.environment(in: folder)
        output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let errors = try #require(FileHandle(forWritingAtPath: log))
        try errors.seekToEnd()
        process.standardError = errors
        try process.run()
        var said = ""
        while !said.contains("\n") {
            let part = output.fileHandleForReading.availableData
            try #require(!part.isEmpty, "the server ended before it listened; its log is \(log)")
            said += String(decoding: part, as: UTF8.self)
        }
        let start = try #require(said.range(of: "http://"))
        api = ServedAPI(address: String(said[start.lowerBound...].prefix { $0 != "," && $0 != "\n" }))
    }

    /// What is remembered of checkpoints and devices is the test's own.
    static func environment(in folder: String) -> [String: String] {
        ProcessInfo.processInfo.environment.merging(["XDG_CACHE_HOME": folder + "/cache"]) { $1 }
    }

    /// Runs another command of the program beside it.
    /// - Returns: What it printed.
    static func run(_ arguments: [String], in folder: String) throws -> String {
        let command = Process()
        command.executableURL = executable
        command.arguments = arguments
        command.environment = environment(in: folder)
        command.standardInput = FileHandle.nullDevice
        let output = Pipe()
        command.standardOutput = output
        try command.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        command.waitUntilExit()
        try #require(command.terminationStatus == 0, "gesso \(arguments.joined(separator: " "))")
        return String(decoding: said, as: UTF8.self)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Ends it without a chance to tidy up.
    func killNow() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Ends it as a service manager does.
    /// - Returns: Its exit status.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Resident bytes.
    var resident: Int {
        let path = "/proc/\(process.processIdentifier)/status"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// A number that whoever runs a test by hand may raise.
    static func count(_ variable: String, usually usual: Int) -> Int {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? usual
    }
}

/// A server's calls.
struct ServedAPI: Sendable {
    /// `http://127.0.0.1:PORT`
    let address: String

    /// Calls it.
    func call(
        _ method: String, _ path: String, _ body: [String: any Sendable]? = nil, seconds: Int64 = 60
    ) async throws -> (status: Int, body: Data) {
        var request = HTTPClientRequest(url: address + path)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(try JSONSerialization.data(withJSONObject: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(seconds))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return (Int(response.status.code), Data(buffer: bytes))
    }

    /// Calls it and reads a JSON object.
    func object(
        _ method: String, _ path: String, _ body: [String: any Sendable]? = nil, seconds: Int64 = 60
    ) async throws -> [String: Any] {
        let answer = try await call(method, path, body, seconds: seconds)
        let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        let text = String(decoding: answer.body.prefix(500), as: UTF8.self)
        try #require((200..<300).contains(answer.status), "\(method) \(path): \(answer.status) \(text)")
        return try #require(object)
    }

    /// A job when it is done, failed or cancelled.
    func finished(_ id: String) async throws -> [String: Any] {
        let end = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < end {
            let job = try await object("GET", "/v1/generations/\(id)")
            if let status = job["status"] as? String, status != "queued", status != "running" { return job }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Unfinished(id: id)
    }

    struct Unfinished: Error { let id: String }
}
