import Foundation
import Generation
import Imaging
import TestSupport
import Testing

@testable import CLI

/// The program itself: the built executable, with libtorch and the tiny models.
@Suite(.serialized) struct ProgramTests {
    let session = Session()

    private struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    private func process(_ arguments: [String]) throws -> (Process, output: Pipe, errors: Pipe) {
        let process = Process()
        process.executableURL = Program.executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: session.folder)
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output, errors)
    }

    private func run(_ arguments: String...) throws -> Outcome {
        let (process, output, errors) = try process(arguments)
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaints = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self))
    }

    @Test func `the version comes without libtorch`() throws {
        let outcome = try run("--version")
        #expect((outcome.status, outcome.output, outcome.errors) == (0, "gesso 0.1.0\n", ""))
    }

    @Test func `statuses reach the shell`() throws {
        #expect(try run("generate", "a", "--steps", "0").status == 2)
        #expect(
            try run("generate", "a", "--device", "cuda:100", "-m", Fixture.path("sdxl-tiny-a")).status == 3)
        #expect(try run("generate", "a", "-m", "no.safetensors").status == 4)
        #expect(try run("nonsense").status == 2)
    }

    @Test func `a tiny model paints, twice the same`() throws {
        let model = Fixture.path("sdxl-tiny-a")
        for name in ["a.png", "b.png"] {
            let outcome = try run(
                "generate", "a red apple", "-m", model, "-o", name, "--seed", "5", "--steps", "3")
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.hasPrefix("\(name)  seed 5  32x32\n"))
        }
        let bytes = try session.bytes("a.png")
        #expect(try session.bytes("b.png") == bytes)
        let facts = try PictureFacts(bytes, path: "a.png")
        #expect(facts.receipt?.model.name == "sdxl-tiny-a")
        #expect(facts.receipt?.prompt == "a red apple")
        #expect(facts.texts["parameters"]?.contains("Steps: 3, Sampler: Euler,") == true)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends painting with 130 and leaves nothing`(signal: Int32) throws {
        let (process, output, errors) = try process([
            "generate", "a", "-m", Fixture.path("sdxl-tiny-a"), "--steps", "1000", "--count", "64", "--width",
            "256",
            "--height", "256",
        ])
        // Painting has begun when its line is there.
        var seen = ""
        while !seen.contains("painting") {
            let part = errors.fileHandleForReading.availableData
            try #require(!part.isEmpty, "it ended early: \(seen)")
            seen += String(decoding: part, as: UTF8.self)
        }
        kill(process.processIdentifier, signal)
        let rest = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        #expect(String(decoding: rest, as: UTF8.self).hasSuffix("gesso: cancelled\n"))
        #expect(try output.fileHandleForReading.readToEnd() ?? Data() == Data())
        #expect(try session.names.isEmpty)
    }

    @Test func `a reader that leaves does not stop painting`() throws {
        let (process, output, errors) = try process([
            "generate", "a", "-m", Fixture.path("sdxl-tiny-a"), "--steps", "3", "-o", "a.png",
        ])
        try output.fileHandleForReading.close()
        try errors.fileHandleForReading.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try session.names == ["a.png"])
    }
}
