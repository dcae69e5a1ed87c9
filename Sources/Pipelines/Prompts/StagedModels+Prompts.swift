internal import Generation
internal import Layers
internal import Planning
internal import Prompts

// The text side of a run.
extension StagedModels {
    /// Encodes what the cache does not have; nothing is loaded where it has everything.
    /// - Parameters:
    ///   - entering: Told when encoders are loaded and when they run.
    mutating func encode(
        _ prompts: PromptSet, _ cache: inout ConditioningCache, _ record: inout RecoveryRecord,
        entering: (Progress.Stage) -> Void
    ) throws -> EncodedPrompts {
        var wanted: [(content: PreparedPrompt.Content, dialect: PromptDialect, skip: Int)] = []
        for content in prompts.prompt.contents {
            wanted.append((content, prompts.prompt.dialect, prompts.clipSkip))
        }
        let count = wanted.count
        for content in prompts.negative?.contents ?? [] {
            wanted.append((content, prompts.negative?.dialect ?? .plain, 0))
        }
        let adapters = tokens.embeddings.map { "\($0.name) \($0.sha256)" }
        let lengths = tokens.encoders.map(\.length)
        // What faults have touched is not kept, nor hidden from them.
        let isKept = FaultInjection.current == nil
        func key(_ text: String, _ skip: Int, _ encoders: String) -> ConditioningCache.Key {
            ConditioningCache.Key(
                text: text, encoders: encoders, adapters: adapters, settings: [skip] + lengths)
        }
        let planned = textKey
        var encoded = wanted.map { isKept ? cache.value(key($0.content.key, $0.skip, planned)) : nil }
        let places = wanted.map(\.content.lineCount)
        let longest = places.max() ?? 1
        let padded = Set(zip(wanted, places).filter { $1 < longest }.map(\.0.skip))
        var empties: [Int: EncodedPrompt] = [:]
        if isKept { for skip in padded { empties[skip] = cache.value(key("", skip, planned)) } }

        let missing = encoded.indices.filter { encoded[$0] == nil }
        if !missing.isEmpty || padded.contains(where: { empties[$0] == nil }) {
            let kept = cache
            let made = try encodeText(&record) { models in
                entering(.loading)
                let stage = try models.textStage()
                try Task.checkCancellation()
                entering(.encoding)
                let encoders = models.textKey
                // Anew after a promotion: what was found may have been computed otherwise.
                var empties: [Int: EncodedPrompt] = [:]
                func empty(_ skip: Int) throws -> EncodedPrompt {
                    if let empty = empties[skip] { return empty }
                    var copy = kept
                    let empty =
                        try (isKept ? copy.value(key("", skip, encoders)) : nil)
                        ?? stage.encodeEmpty(skippedLayers: skip)
                    empties[skip] = empty
                    return empty
                }
                var made: [Int: EncodedPrompt] = [:]
                for index in missing {
                    let (content, dialect, skip) = wanted[index]
                    made[index] = try stage.encode(content, dialect, skippedLayers: skip) { try empty(skip) }
                }
                for skip in padded { _ = try empty(skip) }
                return (made: made, empties: empties, encoders: encoders)
            }
            releaseText()
            for (index, value) in made.made {
                encoded[index] = value
                if isKept {
                    cache.keep(value, key(wanted[index].content.key, wanted[index].skip, made.encoders))
                }
            }
            for (skip, value) in made.empties {
                empties[skip] = value
                if isKept { cache.keep(value, key("", skip, made.encoders)) }
            }
        }
        cache.count(hits: wanted.count - missing.count, encodings: missing.count)
        let most = encoded.compactMap { $0?.places }.max() ?? 0
        let level = zip(encoded, wanted).compactMap { $0?.padded(to: most, with: empties[$1.skip]) }
        return EncodedPrompts(
            prompt: Array(level[..<count]), negative: Array(level[count...]),
            usesNegative: prompts.usesNegative)
    }

    /// The text encoders, and the formats they compute in.
    private var textKey: String {
        let formats = [Stage.textEncoder, .textEncoder2].map { stage in
            let entry = plan[stage]
            return
                "\(entry.storage?.rawValue ?? "file") \(entry.compute.rawValue) \(entry.residual.rawValue) "
                + "\(entry.computeDevice) \(entry.sites)"
        }
        let files = checkpoint.weights(.textEncoder).files + checkpoint.weights(.textEncoder2).files
        return (files + formats).joined(separator: "\n")
    }
}
