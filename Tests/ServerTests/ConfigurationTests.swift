import Engine
import Foundation
import Generation
import TestSupport
import Testing

@testable import Server

@Suite struct ConfigurationTests {
    private func read(_ text: String) throws(ConfigurationError) -> ServeConfiguration {
        try ServeConfiguration(bytes: Array(text.utf8), file: "gesso.yaml", folder: "/etc/gesso")
    }

    private func failure(_ text: String) -> ConfigurationError? {
        do throws(ConfigurationError) {
            _ = try read(text)
            return nil
        } catch { return error }
    }

    private static var example: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Documentation/examples/gesso.yaml").path
    }

    @Test func `the example is read, and shows every key`() throws {
        let configuration = try ServeConfiguration(file: Self.example)
        #expect(configuration.server.publicNames == ["paint.example.org"])
        #expect(configuration.server.keyFile?.hasSuffix("/Documentation/examples/keys.json") == true)
        #expect(configuration.models.map(\.id) == ["anime", "realistic"])
        #expect(configuration.models[0].defaults.guidanceScale == 6)
        #expect(configuration.engine.memoryBudget == 20_000_000_000)
        #expect(configuration.storage.retention == Retention(days: 30, jobs: 100_000))
        #expect(configuration.storage.objectStore?.bucket == "pictures")
        // What the comments call defaults are the defaults.
        var limits = ServerLimits()
        limits.caller.jobs = 200
        #expect(configuration.server.limits == limits)
        #expect(
            configuration.server.port == ServerSettings().port
                && configuration.server.host == ServerSettings().host)
        let text = try String(contentsOfFile: Self.example, encoding: .utf8)
        for key in ServerKeys.all.union(ServerKeys.limits).union(ModelKeys.all).union(ModelKeys.defaults)
            .union(EngineChoices.keys).union(StorageChoices.keys).union(StorageChoices.objectStoreKeys)
        {
            #expect(text.contains("\(key):"), "\(key) is not in the example")
        }
    }

    @Test func `the engine gets what the file says, and its own defaults for the rest`() throws {
        let said = try read("engine: {memory: 1GiB, patience: 3, preload: false}\nstorage: {keep_jobs: 5}")
            .engineSettings(memoryBudget: 7)
        var expected = EngineSettings(memoryBudget: 1 << 30)
        (expected.patience, expected.preloads, expected.retention) = (3, false, Retention(jobs: 5))
        #expect(said == expected)
        #expect(ServeConfiguration().engineSettings(memoryBudget: 7) == EngineSettings(memoryBudget: 7))
        // The values in the example that its comments do not call otherwise are the engine's own.
        let example = try ServeConfiguration(file: Self.example).engineSettings(memoryBudget: 7)
        var usual = EngineSettings(memoryBudget: 20_000_000_000)
        (usual.idleUnloadSeconds, usual.warmUpWidth, usual.warmUpHeight) = (900, 1024, 1024)
        usual.retention = Retention(days: 30, jobs: 100_000)
        #expect(example == usual)
    }

    @Test func `nothing at all is a configuration, and JSON is one too`() throws {
        #expect(try read("") == ServeConfiguration())
        #expect(try read("# a comment\n") == ServeConfiguration())
        let json = try read(
            "{\"server\": {\"port\": 80}, \"models\": [{\"id\": \"a\", \"path\": \"/m/a.safetensors\"}]}")
        #expect(json.server.port == 80 && json.models[0].path == "/m/a.safetensors")
    }

    @Test func `relative paths start at the file's folder`() throws {
        let configuration = try read(
            "models:\n  - {id: a, path: m/a.safetensors, vae: /v, embeddings: [e], lora_folders: [l]}\nserver: {key_file: k}"
        )
        #expect(configuration.models[0].path == "/etc/gesso/m/a.safetensors")
        #expect(
            configuration.models[0].vae == "/v" && configuration.models[0].embeddings == ["/etc/gesso/e"]
                && configuration.models[0].loraFolders == ["/etc/gesso/l"])
        #expect(configuration.server.keyFile == "/etc/gesso/k")
    }

    @Test(arguments: [
        ("server:\n  prot: 80", "gesso.yaml:2: server.prot: there is no such key; did you mean 'port'?"),
        ("sever: {}", "gesso.yaml:1: sever: there is no such key; did you mean 'server'?"),
        ("server:\n  port: eighty", "gesso.yaml:2: server.port: this is 'eighty', it must be a whole number"),
        ("server:\n  port: 70000", "gesso.yaml:2: server.port: 70000 is not within 0 to 65535"),
        ("server:\n  port: \"80\"", "gesso.yaml:2: server.port: this is '80', it must be a whole number"),
        (
            "server:\n  open_metrics: yes",
            "gesso.yaml:2: server.open_metrics: this is 'yes', it must be true or false"
        ),
        ("server: 5", "gesso.yaml:1: server: this is '5', it must be a mapping of keys to values"),
        ("models: {}", "gesso.yaml:1: models: this is a mapping, it must be a list"),
        ("models:\n  - path: x", "gesso.yaml:2: models[0].id: it is missing"),
        ("models:\n  - id: a", "gesso.yaml:2: models[0].path: it is missing"),
        (
            "models:\n  - {id: a, path: x}\n  - {id: a, path: y}",
            "gesso.yaml:3: models[1].id: the model 'a' is there twice"
        ),
        (
            "models:\n  - {id: a, path: x, family: sd15}",
            "gesso.yaml:2: models[0].family: 'sd15' is no family: sdxl or flux"
        ),
        (
            "models:\n  - id: a\n    path: x\n    defaults: {width: 513, height: 512}",
            "gesso.yaml:4: models[0].defaults.width: 513 is no multiple of 8"
        ),
        (
            "engine:\n  memory: lots",
            "gesso.yaml:2: engine.memory: 'lots' is no size: write 12GB, 512MiB or a number of bytes"
        ),
        ("storage: {s3: {bucket: x}}", "gesso.yaml:1: storage.s3.endpoint: it is missing"),
        ("server:\n  tls: {certificate: x}", "gesso.yaml:2: server.tls.key: it is missing"),
        ("[]", "gesso.yaml:1: this is a list, it must be a mapping of keys to values"),
    ])
    func `what is wrong is named with its line and key`(_ text: String, _ sentence: String) {
        #expect(failure(text)?.description == sentence)
    }

    @Test(arguments: [
        "server: [", "server:\n\tport: 1", "a: b: c", "server: {port: 1, port: 2}",
        "server:\n  port: 1\nserver:\n  port: 2",
        "? [a]\n: b", "server: *nobody", "server: {cors_origins: [\"*\"]}",
        "server: {cors_origins: [\"https://a/b\"]}",
        "server: {public_names: [\"*.example.org\"]}", "models: [{id: ../x, path: y}]",
        "server: {host: \"\"}",
        "storage: {data: x, memory_only: true}", "server: {limits: {connections: 0}}",
        "server: {limits: {idle_seconds: .inf}}",
    ])
    func `what can't be meant is refused`(_ text: String) {
        #expect(failure(text) != nil)
    }

    @Test func `hostile files end soon`() {
        #expect(failure(String(repeating: "a", count: (1 << 20) + 1)) != nil)
        #expect((try? ServeConfiguration(bytes: [0xFF], file: "x", folder: "")) == nil)
        // Aliases that double at each level would take the memory of the machine.
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<12 {
            bomb +=
                "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ","))]\n"
        }
        #expect(failure(bomb) != nil)
        #expect(failure(String(repeating: "[", count: 20_000)) != nil)
    }

    @Test(arguments: [
        ("12GB", 12_000_000_000), ("1 GiB", 1 << 30), ("512", 512), ("1.5KB", 1500), ("0", 0), ("8b", 8),
    ])
    func `sizes are read`(_ text: String, _ bytes: Int) {
        #expect(ConfigurationReader.bytes(text) == bytes)
    }

    @Test(arguments: ["", "GB", "-1", "1e3", "nan", "inf", "99999999999TB", "1 2", "0x10"])
    func `what is no size is none`(_ text: String) {
        #expect(ConfigurationReader.bytes(text) == nil)
    }

    @Test func `a file that is not there is said to be missing`() {
        #expect(throws: ConfigurationError.self) { try ServeConfiguration(file: "/nowhere/gesso.yaml") }
    }
}
