internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Models
internal import Torch

/// `gesso benchmark`: the real architecture at real size on made-up weights.
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Time SDXL or FLUX.1 at real size on made-up weights.",
        discussion: """
            Writes a complete checkpoint of random 16-bit numbers (SDXL 6.9 GB, FLUX.1 33.7 GB) to a temporary folder, \
            paints with it as with any other, and prints seconds by stage, what the plan says of memory, and the peak of \
            resident memory. The picture means nothing. A checkpoint of your own is timed with --model instead.

            EXAMPLES:
              gesso benchmark
              gesso benchmark --family flux-dev --size 512
              gesso benchmark --size 512 --steps 4
              gesso benchmark --keep weights.safetensors
            """)

    @Option(help: "Side of the picture in pixels.")
    var size = 1024
    @Option(help: "Denoising steps.")
    var steps = 1
    @Option(help: "Where to compute: auto, cpu, cuda, cuda:1.")
    var device = "auto"
    @Option(help: "auto, quality, memory, fp32, bf16, fp16, or by stage: unet=bf16,vae=fp32.")
    var precision = "auto"
    @Option(help: "What to make up: \(SyntheticCheckpoint.all.map(\.name).joined(separator: ", ")).")
    var family = SyntheticCheckpoint.sdxl.name
    @Option(help: ArgumentHelp("Time this checkpoint instead.", valueName: "path"))
    var model: String?
    @Option(
        help: ArgumentHelp(
            "Keep the made-up weights in this file, and use them when it is there.", valueName: "file"))
    var keep: String?
    @Flag(help: "Do not measure which formats this machine computes fast.")
    var noProbe = false
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let device = try Order.device(device) ?? Composition.bestDevice()
        let precision = try Order.precision(precision)
        let measures = try !noProbe && Order.measures(.current)
        var request = Request(prompt: "a painter's studio in the morning light")
        request.width = size
        request.height = size
        request.steps = steps
        request.seed = 0
        try request.validate()
        let report = try await Surroundings.current.interruptible { [request] in
            let (path, folder) = try weights()
            defer {
                // A temporary folder that can't be removed is the system's to clean.
                if let folder { try? FileManager.default.removeItem(atPath: folder) }
            }
            try Task.checkCancellation()
            let worker = try await Composition.worker(
                WorkerChoice(
                    model: path, vae: nil, configuration: nil, device: device, precision: precision,
                    measures: measures))
            return try self.report(try await worker.run(request) { _ in })
        }
        try Surroundings.current.console.print(report)
    }

    /// The checkpoint to time: the user's, one kept from an earlier run, or a new one; and the folder to remove
    /// afterwards.
    private func weights() throws -> (path: String, temporary: String?) {
        if let model { return (model, nil) }
        guard let checkpoint = SyntheticCheckpoint.all.first(where: { $0.name == family }) else {
            let names = SyntheticCheckpoint.all.map(\.name).joined(separator: ", ")
            throw Failure.badRequest("family", "there is no family '\(family)'; there are \(names)")
        }
        if let keep, FileManager.default.fileExists(atPath: keep) { return (keep, nil) }
        let temporary = FileManager.default.temporaryDirectory
            .appendingPathComponent("gesso-benchmark-\(ProcessInfo.processInfo.processIdentifier)").path
        let path = keep ?? temporary + "/\(checkpoint.name).safetensors"
        Surroundings.current.console.complain(
            String(
                format: "writing %.1f GB of random weights to %@", Double(checkpoint.byteCount) / 1e9, path))
        do {
            let folder = (path as NSString).deletingLastPathComponent
            if !folder.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
            }
            try checkpoint.write(to: path) { _ in }
            if let vocabulary = checkpoint.vocabulary {
                let beside = (folder.isEmpty ? "." : folder) + "/tokenizer_2"
                try FileManager.default.createDirectory(atPath: beside, withIntermediateDirectories: true)
                try Data(vocabulary.utf8).write(to: URL(fileURLWithPath: beside + "/tokenizer.json"))
            }
        } catch {
            if keep == nil { try? FileManager.default.removeItem(atPath: temporary) }
            throw Failure(.cannotRun, "\(error)")
        }
        return (path, keep == nil ? temporary : nil)
    }

    private func report(_ result: Generation.Result) throws -> String {
        let receipt = result.pictures[0].receipt
        let peak = Double(HostMemory.peakResident ?? 0) / 1e9
        let denoising = result.seconds[.denoising] ?? 0
        if json {
            let facts = BenchmarkReport(
                size: size, steps: steps, device: receipt.device, libtorch: receipt.libtorch,
                precision: receipt.precision.mapValues(\.compute),
                seconds: Dictionary(uniqueKeysWithValues: result.seconds.map { ($0.key.rawValue, $0.value) }),
                secondsPerStep: denoising / Double(steps), peakResidentBytes: HostMemory.peakResident,
                notes: result.notes)
            return try JSONText.line(facts)
        }
        var lines = ["\(size)x\(size), \(steps) steps on \(receipt.device), libtorch \(receipt.libtorch)"]
        for stage in Generation.Progress.Stage.allCases {
            guard let seconds = result.seconds[stage], seconds > 0.0005 else { continue }
            lines.append(
                String(
                    format: "  %@ %8.2f s", stage.rawValue.padding(toLength: 16, withPad: " ", startingAt: 0),
                    seconds))
        }
        lines.append(String(format: "  a step           %8.2f s", denoising / Double(steps)))
        lines.append(String(format: "  peak resident    %8.2f GB", peak))
        lines += result.notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }
}

/// What `--json` prints.
private struct BenchmarkReport: Encodable {
    let size: Int
    let steps: Int
    let device: String
    let libtorch: String
    let precision: [String: String]
    let seconds: [String: Double]
    let secondsPerStep: Double
    let peakResidentBytes: Int?
    /// What the plan says of memory, among others.
    let notes: [String]
}
