import AsyncHTTPClient
import Foundation
import Generation
import NIOCore
import NIOHTTP1
import Testing

@testable import Storage

/// A real S3-compatible store on this machine's loopback, for as long as the test process lives.
///
/// `Scripts/test-peers` brings the program. A test that needs it fails where it is missing.
actor SeaweedFS {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    static let shared = SeaweedFS()
    static let bucket = "pictures"
    static let accessKey = "gesso"
    static let secretKey = "gesso-secret/+"

    private var started: Task<String, any Error>?
    /// What ends the server when it closes: also when this process is killed.
    private var lifeline: Pipe?

    /// `http://127.0.0.1:PORT`, started at the first call.
    func endpoint() async throws -> String {
        if let started { return try await started.value }
        let task = Task { try await start() }
        started = task
        return try await task.value
    }

    /// Settings of a caller who may do everything, with a prefix of its own.
    func settings(prefix: String = "\(UUID().uuidString)/") async throws -> S3Settings {
        var settings = S3Settings(
            endpoint: try await endpoint(), bucket: Self.bucket, accessKey: Self.accessKey,
            secretKey: Self.secretKey)
        settings.prefix = prefix
        return settings
    }

    private func start() async throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let program = root.appending(path: ".build-peers/venv/bin/weed").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Missing(description: "\(program) is not there: run Scripts/test-peers, as make test does")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "gesso-weed-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Self.identities.utf8).write(to: folder.appending(path: "s3.json"))
        let port = try await run(program, in: folder)
        let endpoint = "http://127.0.0.1:\(port)"
        try await waitUntilReady(endpoint, log: folder.appending(path: "log").path)
        return endpoint
    }

    private static let identities = """
        {"identities": [
            {"name": "gesso", "credentials": [{"accessKey": "\(accessKey)", "secretKey": "\(secretKey)"}],
             "actions": ["Admin", "Read", "Write", "List"]},
            {"name": "reader", "credentials": [{"accessKey": "reader", "secretKey": "reader-secret"}],
             "actions": ["Read", "List"]}
        ]}
        """

    /// Starts the program with ports that were free a moment ago.
    private func run(_ program: String, in folder: URL) async throws -> Int {
        let ports = try freePorts(8)
        let arguments = [
            "server", "-dir=\(folder.path)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.port=\(ports[0])",
            "-master.port.grpc=\(ports[1])", "-volume.port=\(ports[2])", "-volume.port.grpc=\(ports[3])",
            "-volume.max=8", "-master.volumeSizeLimitMB=64", "-filer", "-filer.port=\(ports[4])",
            "-filer.port.grpc=\(ports[5])", "-s3", "-s3.port=\(ports[6])", "-s3.port.grpc=\(ports[7])",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket=false",
            "-s3.config=\(folder.path)/s3.json", "-s3.localSocket=\(folder.path)/s3.sock",
        ]
        let process = Process()
        let lifeline = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        // `read` ends when the other end of the pipe closes, which it does with this process.
        process.arguments =
            [
                "-c",
                #"log=$1; shift; "$@" >"$log" 2>&1 </dev/null & peer=$!; read -r line; kill -9 $peer; rm -rf "${log%/log}""#,
                "sh", folder.appending(path: "log").path, program,
            ] + arguments
        process.standardInput = lifeline
        try process.run()
        self.lifeline = lifeline
        return ports[6]
    }

    private func freePorts(_ count: Int) throws -> [Int] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            guard isBound else { throw Missing(description: "no free port on the loopback") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    /// Makes the bucket, as often as it takes.
    private func waitUntilReady(_ endpoint: String, log: String) async throws {
        let signer = RequestSigner(
            accessKey: Self.accessKey, secretKey: Self.secretKey, sessionToken: nil, region: "us-east-1")
        let host = endpoint.replacingOccurrences(of: "http://", with: "")
        let hash = RequestSigner.hash([])
        var last = "no answer"
        for _ in 0..<300 {
            let signed = signer.signed(
                RequestSigner.Request(
                    method: "PUT", path: "/\(Self.bucket)",
                    headers: [("host", host), ("x-amz-content-sha256", hash)], payload: hash), at: Date())
            var request = HTTPClientRequest(url: "\(endpoint)/\(Self.bucket)")
            request.method = .PUT
            for (name, value) in signed.headers { request.headers.add(name: name, value: value) }
            do {
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
                if response.status == .ok || response.status == .conflict { return }
                last = "status \(response.status.code)"
            } catch {
                last = "\(error)"
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw Missing(description: "SeaweedFS does not come up (\(last)): \(words.suffix(2000))")
    }
}
