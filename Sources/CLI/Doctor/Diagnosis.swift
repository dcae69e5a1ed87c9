/// What `gesso doctor` found: facts, and what to do about those that are in the way.
struct Diagnosis: Encodable, Equatable {
    /// A place where libtorch may be.
    struct Candidate: Encodable, Equatable {
        let path: String
        let origin: String
        let version: String?
        let problem: String?
    }

    /// The libtorch that generations use.
    struct Library: Encodable, Equatable {
        let path: String
        let origin: String
        let version: String
        let supportsCUDA: Bool
        let openSeconds: Double
        let threads: Int?
    }

    struct Card: Encodable, Equatable {
        let device: String
        let freeBytes: Int
        let totalBytes: Int
    }

    struct Processor: Encodable, Equatable {
        let name: String?
        let cores: Int
        /// Of the instruction sets that libtorch is faster with, those that are there.
        let features: [String]
    }

    struct Folder: Encodable, Equatable {
        let path: String
        let freeBytes: Int?
        let isWritable: Bool
    }

    /// Something to mend.
    struct Problem: Encodable, Equatable {
        let what: String
        let fix: String
        /// Whether nothing can be painted before it is mended.
        let isBlocking: Bool
    }

    var gesso: String
    var candidates: [Candidate]
    var libtorch: Library?
    var cards: [Card]
    /// Whether the system has an NVIDIA card, whatever libtorch can do with it.
    var hasNVIDIADriver: Bool
    var processor: Processor
    var memoryAvailableBytes: Int?
    var workingFolder: Folder
    var cacheFolder: Folder?
    /// Bundled models.
    var models: [String]
    /// What --model is when it is not given, and whether something is there.
    var defaultModel: String?
    var problems: [Problem] = []

    var canGenerate: Bool { libtorch != nil }

    private enum CodingKeys: CodingKey {
        case gesso, canGenerate, candidates, libtorch, cards, hasNVIDIADriver, processor, memoryAvailableBytes
        case workingFolder, cacheFolder, models, defaultModel, problems
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(gesso, forKey: .gesso)
        try values.encode(canGenerate, forKey: .canGenerate)
        try values.encode(candidates, forKey: .candidates)
        try values.encode(libtorch, forKey: .libtorch)
        try values.encode(cards, forKey: .cards)
        try values.encode(hasNVIDIADriver, forKey: .hasNVIDIADriver)
        try values.encode(processor, forKey: .processor)
        try values.encode(memoryAvailableBytes, forKey: .memoryAvailableBytes)
        try values.encode(workingFolder, forKey: .workingFolder)
        try values.encode(cacheFolder, forKey: .cacheFolder)
        try values.encode(models, forKey: .models)
        try values.encode(defaultModel, forKey: .defaultModel)
        try values.encode(problems, forKey: .problems)
    }
}

extension Diagnosis {
    /// What the facts amount to.
    /// - Parameters:
    ///   - openError: Why libtorch could not be used.
    ///   - defaultModelExists: Whether something is at ``defaultModel``.
    mutating func conclude(openError: String?, defaultModelExists: Bool) {
        if let openError {
            problems.append(
                Problem(
                    what: openError,
                    fix: candidates.first?.origin == "GESSO_LIBTORCH"
                        ? "set GESSO_LIBTORCH to a folder with libtorch.so 2.11 or newer, or unset it"
                        : "run 'make demo' once in the project's folder, or 'pip install torch'; or set "
                            + "GESSO_LIBTORCH to a folder with libtorch.so",
                    isBlocking: true))
        }
        if libtorch != nil, hasNVIDIADriver, cards.isEmpty {
            let isForCPUs = libtorch?.supportsCUDA == false
            problems.append(
                Problem(
                    what: isForCPUs
                        ? "there is an NVIDIA card, but this libtorch is for CPUs only"
                        : "there is an NVIDIA card, but libtorch can't use it",
                    fix: isForCPUs
                        ? "set GESSO_LIBTORCH to the torch/lib folder of a CUDA build of torch"
                        : "check with 'nvidia-smi' that the driver works and is new enough for this CUDA",
                    isBlocking: false))
        }
        if let memoryAvailableBytes, memoryAvailableBytes < 8_000_000_000, cards.isEmpty {
            problems.append(
                Problem(
                    what:
                        "\(Quantity.bytes(memoryAvailableBytes)) of memory are free; SDXL in full size needs "
                        + "more on a CPU",
                    fix: "close other programs, or use a smaller model", isBlocking: false))
        }
        if !workingFolder.isWritable {
            problems.append(
                Problem(
                    what: "the working folder can't be written to", fix: "name another one with --output",
                    isBlocking: false))
        } else if let free = workingFolder.freeBytes, free < 100_000_000 {
            problems.append(
                Problem(
                    what: "\(Quantity.bytes(free)) of disk space are left in the working folder",
                    fix: "make room, or name another folder with --output", isBlocking: false))
        }
        if let cacheFolder, !cacheFolder.isWritable {
            problems.append(
                Problem(
                    what: "the cache folder can't be written to, so checkpoints are hashed anew each time",
                    fix: "make it writable, or set XDG_CACHE_HOME", isBlocking: false))
        }
        if defaultModel == nil {
            problems.append(
                Problem(
                    what: "no model is bundled and \(ModelLocation.variable) is not set",
                    fix: "give --model with an SDXL or FLUX.1 checkpoint", isBlocking: false))
        } else if let defaultModel, !defaultModelExists {
            problems.append(
                Problem(
                    what: "\(ModelLocation.variable) names \(defaultModel), where nothing is",
                    fix: "set it to a checkpoint, or unset it", isBlocking: false))
        }
    }
}
