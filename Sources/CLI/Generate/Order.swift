internal import Foundation
internal import Generation
internal import Imaging
internal import Planning
internal import Sampling
internal import Server
internal import Torch

/// A command line for painting, checked: everything that needs no model, the cheapest first.
struct Order: Sendable {
    let request: Request
    let choice: WorkerChoice
    let output: OutputPlan
    let encoding: EncodingOptions
    let isQuiet: Bool
    let savesLatents: Bool
    private let paths: [String]

    /// - Throws: ``Failure`` that names the field.
    init(_ command: GenerateCommand, in surroundings: Surroundings) throws(Failure) {
        var request = Self.request(command)
        try request.validate()
        try Self.checkSchedule(request)
        let precision = try Self.precision(command.machine.precision)
        let device = try Self.device(command.machine.device)
        let measures = try Self.measures(surroundings)
        encoding = try Self.encoding(command)
        request.seed = try Self.seed(command.painting.seed, count: request.count, surroundings)
        output = try OutputPlan(
            output: command.result.output, format: command.result.format, count: request.count,
            isFolder: { Self.isFolder(surroundings.resolve($0)) })
        try Self.checkQuality(command.result.quality, output.format)
        paths = output.paths(seed: request.seed ?? 0, count: request.count)
        try output.check(paths, in: surroundings)
        if let image = command.painting.image {
            request.image = try SourceFile.read(
                image, surroundings, width: request.width, height: request.height)
        }
        self.request = request
        isQuiet = command.result.quiet
        savesLatents = command.result.saveLatents
        choice = WorkerChoice(
            model: try ModelLocation(surroundings: surroundings).model(named: command.machine.model),
            vae: command.machine.vae, clip: command.machine.clip, t5: command.machine.t5,
            configuration: command.machine.config, device: device, precision: precision,
            measures: measures && !command.machine.noProbe,
            embeddings: command.painting.embedding.map(surroundings.resolve), isQuiet: isQuiet)
    }

    /// Paints, encodes and writes: all files or none.
    func fulfil(in surroundings: Surroundings) async throws -> GenerationReport {
        let reporter = ProgressReporter(console: surroundings.console, isQuiet: isQuiet)
        return try await reporter.watch { report in
            report(Generation.Progress(.loading))
            let opening = ContinuousClock.now
            let worker = try await surroundings.makeWorker(choice)
            try Task.checkCancellation()
            let opened = Quantity.seconds(since: opening)
            let result = try await worker.run(request, progress: report)
            let saving = ContinuousClock.now
            let pictures = try save(result, surroundings, report)
            var seconds = result.seconds
            seconds[.loading, default: 0] += opened
            seconds[.saving, default: 0] += Quantity.seconds(since: saving)
            return GenerationReport(
                model: choice.model, pictures: pictures, notes: result.notes, seconds: seconds,
                conditioning: result.conditioning)
        }
    }

    private func save(
        _ result: Generation.Result, _ surroundings: Surroundings,
        _ report: (Generation.Progress) -> Void
    ) throws -> [GenerationReport.Picture] {
        guard result.pictures.count == request.count else {
            throw Failure(
                .cannotRun,
                "\(result.pictures.count) pictures were painted where \(request.count) were asked for")
        }
        var progress = Generation.Progress(.saving)
        progress.of = paths.count
        var files = PictureFiles(replaces: output.replaces, resolve: surroundings.resolve)
        do {
            for (painted, path) in zip(result.pictures, paths) {
                try Task.checkCancellation()
                report(progress)
                let latents = savesLatents ? try LatentsFile.bytes(painted.latents) : nil
                let file = try PictureFile.bytes(painted, as: output.format, options: encoding)
                try files.stage(file, for: path, latents: latents)
                progress.step += 1
            }
            try Task.checkCancellation()
        } catch {
            files.discard()
            throw error
        }
        let placed = try files.place()
        return zip(result.pictures, placed).map { painted, path in
            GenerationReport.Picture(
                painted, path: path, latents: savesLatents ? LatentsFile.path(beside: path) : nil)
        }
    }
}

extension Order {
    private static func request(_ command: GenerateCommand) -> Request {
        let painting = command.painting
        var request = Request(prompt: command.prompt)
        request.negativePrompt = painting.negativePrompt
        request.promptDialect = painting.promptDialect
        request.width = painting.width
        request.height = painting.height
        request.steps = painting.steps
        request.guidanceScale = painting.guidanceScale
        request.trueGuidanceScale = painting.trueCfgScale
        request.textTokens = painting.textTokens
        request.guidanceRescale = painting.guidanceRescale
        request.count = painting.count
        request.sampler = painting.sampler
        request.schedule = painting.schedule
        request.clipSkip = painting.clipSkip
        if let strength = painting.strength { request.strength = strength }
        return request
    }

    /// Names of sampler and schedule, and whether they go together.
    private static func checkSchedule(_ request: Request) throws(Failure) {
        var sampler: Sampler?
        if let name = request.sampler {
            do { sampler = try Sampler.known(name) } catch { throw .badRequest("sampler", "\(error)") }
        }
        guard let schedule = request.schedule else { return }
        let choice: ScheduleChoice
        do { choice = try ScheduleChoice(parsing: schedule) } catch {
            throw .badRequest("schedule", "\(error)")
        }
        if let sampler, let sigmas = choice.sigmas, !sampler.sigmaSpacings.contains(sigmas) {
            throw .badRequest(
                "schedule",
                "the sampler \(sampler.name) takes no \(sigmas.rawValue) schedule; 'gesso samplers' "
                    + "lists what it takes")
        }
    }

    /// What `--precision` asks for.
    static func precision(_ text: String?) throws(Failure) -> PrecisionPolicy {
        guard let text else { return .auto }
        do { return try PrecisionPolicy(parsing: text) } catch { throw .badRequest("precision", "\(error)") }
    }

    /// Whether the environment lets a device be measured.
    static func measures(_ surroundings: Surroundings) throws(Failure) -> Bool {
        switch surroundings["GESSO_PROBE"] {
        case nil, "1": true
        case "0": false
        case let other?:
            throw .badRequest("GESSO_PROBE", "GESSO_PROBE is '\(other)'; it must be 0, 1 or not set")
        }
    }

    /// The device that `--device` names; nil leaves it to what is found.
    static func device(_ text: String?) throws(Failure) -> Device? {
        guard let text, text != "auto" else { return nil }
        guard let device = Device(text) else {
            throw .badRequest("device", "'\(text)' is no device: use auto, cpu, cuda or cuda:N")
        }
        return device
    }

    /// Refuses flags that would have no effect, and the quality's range.
    private static func encoding(_ command: GenerateCommand) throws(Failure) -> EncodingOptions {
        if command.painting.strength != nil, command.painting.image == nil {
            throw .badRequest(
                "strength", "--strength says how much of --image is painted anew; there is no --image")
        }
        guard let quality = command.result.quality else { return EncodingOptions() }
        guard (1...100).contains(quality) else {
            throw .badRequest("quality", "the quality is \(quality), it must be from 1 to 100")
        }
        return EncodingOptions(quality: quality)
    }

    private static func checkQuality(_ quality: Int?, _ format: PictureFormat) throws(Failure) {
        guard quality != nil, format == .png else { return }
        throw .badRequest("quality", "PNG loses nothing and has no quality; --quality is for jpeg and webp")
    }

    private static func seed(
        _ seed: Seed?, count: Int, _ surroundings: Surroundings
    ) throws(Failure) -> UInt64 {
        guard case .number(let seed)? = seed else { return surroundings.drawSeed() }
        guard seed <= UInt64.max - UInt64(count - 1) else {
            throw .badRequest("seed", "the seed \(seed) leaves no room for \(count) pictures")
        }
        return seed
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
