import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import Server

/// Numbers that repeat with their seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        // SplitMix64 (Steele et al. 2014).
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Random bodies and paths, from near valid to noise.
struct RequestFuzzer {
    private var random: SeededGenerator
    private static let texts = [
        "a cat", "", "\u{1F600}", "é", "\\u0041", "\\ud83d\\ude00", "\\u0000", "<lora:x:1>", "((a))",
        String(repeating: "w ", count: 300),
        "../../etc/passwd", "%00", "' OR 1=1 --",
    ]
    private static let atoms = [
        "null", "true", "false", "0", "1", "-1", "512", "1.5", "1e3", "1e999", "-0", "18446744073709551615",
        "NaN", "[]", "{}", "\"\"",
        "[[[[]]]]", "{\"a\":{\"b\":1}}", "\"x\"", "64", "8193", "0.5",
    ]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func pick<T>(_ choices: [T]) -> T {
        choices[Int.random(in: choices.indices, using: &random)]
    }

    mutating func body() -> [UInt8] {
        let kind = Int.random(in: 0..<10, using: &random)
        if kind == 0 {
            return (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        var members: [String] = []
        if kind > 1 { members.append("\"prompt\":\"\(pick(Self.texts))\"") }
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            let name = pick(GenerationBody.fields + ["extra", "Loras", "loras", "image_url", "\\u0070rompt"])
            members.append(
                "\"\(name)\":" + (Bool.random(using: &random) ? pick(Self.atoms) : "\"\(pick(Self.texts))\""))
        }
        var bytes = Array("{\(members.joined(separator: ","))}".utf8)
        for _ in 0..<(kind > 6 ? 0 : Int.random(in: 0..<3, using: &random)) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            default: bytes.insert(pick(Array("{}[]\",:\\ \u{0}9".utf8)), at: index)
            }
        }
        return bytes
    }

    mutating func path() -> String {
        let pieces = [
            "v1", "generations", "images", "models", "events", "..", ".", "%2e%2e", "%00", "a", "0.png",
            "cancel", "*", "{id}", "~", "é",
            "uploads", "thumbnails", "livez", "v2", "runsync", "?", "?limit=1", "?%FF", "&a=b", "#x", "%",
            "\u{1F600}", "",
        ]
        return "/"
            + (0..<Int.random(in: 0..<6, using: &random)).map { _ in pick(pieces) }.joined(
                separator: pick(["/", "/", "//", ""]))
    }

    mutating func method() -> HTTPRequest.Method {
        pick([.get, .post, .put, .patch, .delete, .head, .options])
    }
}

@Suite struct FuzzTests {
    /// `GESSO_FUZZ` asks for more.
    private static var count: Int {
        ProcessInfo.processInfo.environment["GESSO_FUZZ"].flatMap { Int($0) } ?? 20_000
    }

    @Test func `whatever comes is answered, and with an error only in our shape`() async throws {
        let server = TestServer(fetcher: NoFetcher())
        try await server.finish("p")
        let seed = ProcessInfo.processInfo.environment["GESSO_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        try await server.call { client async throws in
            var fuzzer = RequestFuzzer(seed: seed)
            for number in 0..<Self.count / 2 {
                let body = fuzzer.body()
                let path = number % 3 == 0 ? "/v1/estimates" : "/v1/generations"
                try await Self.check(client, .post, path, body, number)
                // Event streams do not end by themselves.
                let (method, other) = (fuzzer.method(), fuzzer.path())
                if !other.contains("events") {
                    try await Self.check(client, method, other, number % 2 == 0 ? body : [], number)
                }
            }
        }
    }

    private static func check(
        _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8],
        _ number: Int
    ) async throws {
        let answer = try await client.execute(uri: path, method: method, body: ByteBuffer(bytes: body))
        let text =
            "\(number): \(method) \(path) \(String(decoding: body, as: UTF8.self)): \(answer.status.code)"
        let isExpected = answer.status.code < 500 || answer.status.code == 503
        #expect(isExpected, "\(text)")
        // RunPod's API has errors of its own shape.
        if answer.status.code >= 400, method != .head, !path.contains("v2") {
            #expect(answer.fault != nil, "\(text)")
        }
    }
}

/// Goes nowhere.
struct NoFetcher: PictureFetching {
    func picture(at address: String) async throws -> [UInt8] {
        _ = try FetchTarget(address)
        throw PictureFetcher.rejection("tests go nowhere")
    }
}
