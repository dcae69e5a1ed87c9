internal import Foundation
internal import Generation
internal import Pipelines
internal import Torch

extension Diagnosis {
    /// Looks at this machine; opens libtorch where there is one.
    static func machine(_ surroundings: Surroundings) async -> Diagnosis {
        let candidates = LibraryCandidate.all(
            environment: surroundings.environment, executable: surroundings.program)
        let start = ContinuousClock.now
        var library: Library?
        var openError: String?
        do {
            let opened = try LibTorch.open()
            library = Library(
                path: opened.path, origin: opened.origin, version: opened.version,
                supportsCUDA: opened.supportsCUDA, openSeconds: Quantity.seconds(since: start),
                threads: await threads())
        } catch {
            openError = error.reason
        }
        let location = ModelLocation(surroundings: surroundings)
        // No model is an answer here, and it is said by `conclude`.
        let model = try? location.model(named: nil)
        var diagnosis = Diagnosis(
            gesso: GessoVersion.current,
            candidates: candidates.map {
                Candidate(path: $0.path, origin: $0.origin, version: $0.version, problem: $0.problem)
            },
            libtorch: library, cards: library == nil ? [] : cards(),
            hasNVIDIADriver: FileManager.default.fileExists(atPath: "/proc/driver/nvidia/version"),
            processor: processor(), memoryAvailableBytes: HostMemory.available,
            workingFolder: folder(surroundings.folder),
            cacheFolder: CacheFolder.url(in: surroundings.environment).map { folder($0.path) },
            models: location.bundled, defaultModel: model)
        diagnosis.conclude(
            openError: openError,
            defaultModelExists: model.map { FileManager.default.fileExists(atPath: surroundings.resolve($0)) }
                ?? false)
        return diagnosis
    }

    private static func threads() async -> Int? {
        // Only shown; a library that can't say still paints.
        try? await DeviceActor.of(.cpu).run { try LibTorch.threadCount() }
    }

    private static func cards() -> [Card] {
        (0..<LibTorch.cudaDeviceCount()).compactMap { index in
            LibTorch.cudaMemory(index).map {
                Card(device: "cuda:\(index)", freeBytes: $0.free, totalBytes: $0.total)
            }
        }
    }

    private static func processor() -> Processor {
        Processor(.current, cores: ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Looks at a folder, or at the nearest one above it that is there: the rest would be made.
    private static func folder(_ path: String) -> Folder {
        var there = path
        while there.count > 1, !FileManager.default.fileExists(atPath: there) {
            there = (there as NSString).deletingLastPathComponent
        }
        var facts = statvfs()
        let isKnown = statvfs(there, &facts) == 0
        return Folder(
            path: path, freeBytes: isKnown ? Int(facts.f_bavail) * Int(facts.f_frsize) : nil,
            isWritable: access(there, W_OK | X_OK) == 0)
    }
}

extension Diagnosis.Processor {
    /// Of all features those that people know by name.
    init(_ processor: HostProcessor, cores: Int) {
        let known: [(flag: String, name: String)] = [
            ("avx2", "avx2"), ("avx512f", "avx512"), ("avx512_bf16", "avx512_bf16"), ("amx_tile", "amx"),
            ("asimd", "neon"), ("bf16", "bf16"), ("sve", "sve"),
        ]
        self.init(
            name: processor.name, cores: cores,
            features: known.filter { processor.flags.contains($0.flag) }.map(\.name))
    }
}
