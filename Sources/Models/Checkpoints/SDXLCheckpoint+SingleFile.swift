internal import Foundation
internal import Layers
internal import SafeTensors

extension SDXLCheckpoint {
    /// Opens a file with the names of the original implementation.
    ///
    /// - Parameter folder: Where configurations, tokenizers and scheduler come from; without it they are read off
    ///   the shapes, or are the family's.
    init(
        file path: String, configuration folder: PipelineFolder?, vae override: String?
    ) throws(CheckpointError) {
        let archive = try Archive.open(path)
        let family = FileFamily(of: archive)
        guard family == .sdxl else { throw family.refusal(path) }
        let names = OriginalNames(archive)
        var used: Set<String> = []

        let (first, second, denoiser) = try names.configurations(folder)
        func bind(_ keys: KeyList, _ component: String) throws(CheckpointError) -> ComponentWeights {
            let (weights, keys) = try keys.bind(archive, component: component)
            used.formUnion(keys)
            return weights
        }
        textEncoder = Component(
            weights: try bind(first.keys(names.textEncoder, projection: names.textEncoder), "text_encoder"),
            configuration: first)
        textEncoder2 = Component(
            weights: try bind(
                second.keys(names.textEncoder2, projection: names.projection), "text_encoder_2"),
            configuration: second)
        unet = Component(weights: try bind(denoiser.keys(names.unet), "unet"), configuration: denoiser)

        var notes: [String] = []
        var unused: [String] = []
        var read = folder?.configurationFiles(without: override == nil ? [] : ["vae"]) ?? []
        if !archive.files.contains(path) { read.append(path) }
        if let override {
            let given = try VAEFile(opening: override, fallback: folder)
            vae = given.component
            unused = given.unusedKeys
            notes += given.notes
            read += given.configurationFiles.filter { !read.contains($0) }
        } else {
            guard archive[names.vae["decoder.conv_in.weight"].stored] != nil else {
                throw .missingComponent(
                    path: path, component: "autoencoder", advice: "Give SDXL's autoencoder with --vae.")
            }
            let configuration = if let folder { try folder.vae() } else { try names.deriveVAE() }
            vae = Component(
                weights: try bind(configuration.keys(names.vae), "vae"), configuration: configuration)
        }

        let schedule = try Self.schedule(archive, folder)
        schedulerJSON = schedule.json
        notes += schedule.notes
        notes += try folder?.unknownFields() ?? []
        tokenizer = folder?.tokenizer("tokenizer") ?? .embedded
        tokenizer2 = folder?.tokenizer("tokenizer_2") ?? .embedded
        forcesZerosForEmptyPrompt = try folder?.forcesZerosForEmptyPrompt() ?? true

        let averaged = archive.names.count { $0.hasPrefix(OriginalNames.averages) }
        if averaged > 0 { notes.append("\(averaged) averaged weights (model_ema) are not used") }
        unused += archive.names.filter { key in
            !used.contains(key) && !names.isSilent(key, replacesVAE: override != nil)
        }
        unusedKeys = unused
        layout = .singleFile
        configurationFiles = read
        self.notes = notes
        metadata = archive.metadata
    }

    /// The given folder's schedule, or the family's with what the file says about itself.
    private static func schedule(
        _ archive: Archive, _ folder: PipelineFolder?
    ) throws(CheckpointError) -> (json: [UInt8], notes: [String]) {
        let hints = SDXLScheduler(hintsOf: archive)
        guard let folder, let given = try folder.scheduler() else { return (hints.json, hints.notes) }
        let own = hints.prediction.rawValue
        let type = SDXLScheduler.predictionType(in: Array(given))
        guard hints.saysPrediction, type != own else { return (Array(given), hints.notes) }
        let note = "the file says \(own), the scheduler in \(folder.path) says \(type); that counts"
        return (Array(given), hints.notes + [note])
    }
}
