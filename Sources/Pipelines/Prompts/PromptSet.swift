internal import Generation
internal import Layers
internal import Planning
internal import Prompts
internal import Torch

/// A request's prompts, and which of their contents hold at which step.
struct PromptSet: Sendable {
    let prompt: PreparedPrompt
    /// Where it is encoded at all.
    let negative: PreparedPrompt?
    /// Layers left out for the prompt; for the negative prompt the reference leaves out none.
    let clipSkip: Int
    /// Whether predictions are mixed with a negative one, encoded or zeros.
    let usesNegative: Bool

    /// What holds at one step.
    struct Moment: Hashable, Sendable {
        let negative: Int?
        let prompt: [Int]
    }

    func moment(at step: Int) -> Moment {
        Moment(negative: negative?.contents(at: step).first, prompt: prompt.contents(at: step))
    }

    /// How predictions are mixed, in the order of a moment's rows.
    var mixing: PredictionMixing {
        PredictionMixing(weights: prompt.parts.map(\.weight), hasNegative: usesNegative)
    }

    var notes: [String] { prompt.notes + (negative?.notes ?? []) }

    /// - Throws: ``Failure`` for prompts of which one moment does not say everything.
    func requireConstant(for purpose: String) throws(Failure) {
        for prepared in [prompt, negative].compactMap(\.self) where !prepared.isSimple || prepared.changes {
            throw .badRequest(
                prepared.field,
                "the \(prepared.field) changes over the steps or asks for several prompts (AND); \(purpose) takes one "
                    + "constant text")
        }
    }
}

/// A request's prompts after the text encoders, all of one length.
struct EncodedPrompts: Sendable {
    let prompt: [EncodedPrompt]
    let negative: [EncodedPrompt]
    let usesNegative: Bool

    /// What the denoiser is given at a moment: the negative side first, where there is one.
    func rows(_ moment: PromptSet.Moment) -> [EncodedPrompt] {
        let prompts = moment.prompt.map { prompt[$0] }
        guard usesNegative else { return prompts }
        return [moment.negative.map { negative[$0] } ?? prompts[0].zeroed] + prompts
    }
}

/// Text encoders, loaded: they turn contents into conditionings.
protocol PromptStage {
    /// - Parameters:
    ///   - skippedLayers: Layers left out beyond those that the family leaves out.
    ///   - empty: The empty text's encoding.
    func encode(
        _ content: PreparedPrompt.Content, _ dialect: PromptDialect, skippedLayers: Int,
        empty: @escaping () throws -> EncodedPrompt
    ) throws -> EncodedPrompt
    /// The empty text's line, without which nothing can be padded.
    func encodeEmpty(skippedLayers: Int) throws -> EncodedPrompt
}

extension PromptStage {
    /// A request's constant prompts, read anew: the negative side first, where there is one.
    func read(_ prompts: PromptSet) throws -> [EncodedPrompt] {
        var empties: [Int: EncodedPrompt] = [:]
        func empty(_ skip: Int) throws -> EncodedPrompt {
            if let empty = empties[skip] { return empty }
            let empty = try encodeEmpty(skippedLayers: skip)
            empties[skip] = empty
            return empty
        }
        func encoded(_ prompt: PreparedPrompt, _ skip: Int) throws -> [EncodedPrompt] {
            try prompt.contents.map { content in
                try encode(content, prompt.dialect, skippedLayers: skip) { try empty(skip) }
            }
        }
        var sides = (
            prompt: try encoded(prompts.prompt, prompts.clipSkip),
            negative: try prompts.negative.map { try encoded($0, 0) } ?? []
        )
        let places = (sides.prompt + sides.negative).map(\.places)
        let most = places.max() ?? 0
        if places.contains(where: { $0 < most }) {
            sides.prompt = try sides.prompt.map { try $0.padded(to: most, with: empty(prompts.clipSkip)) }
            sides.negative = try sides.negative.map { try $0.padded(to: most, with: empty(0)) }
        }
        return EncodedPrompts(
            prompt: sides.prompt, negative: sides.negative, usesNegative: prompts.usesNegative
        ).rows(prompts.moment(at: 0))
    }
}

/// Models whose text side encodes prompts.
protocol PromptReading: StagedModels {
    associatedtype Text: PromptStage
    /// The files of the text encoders.
    var textFiles: [String] { get }
    mutating func textStage() throws(WeightError) -> Text
    /// Gives the text encoders' memory back.
    mutating func releaseText()
}

extension PromptReading {
    /// Encodes what the cache does not have; nothing is loaded where it has everything.
    /// - Parameters:
    ///   - adapters: Adapters and embeddings that change what encoders say.
    ///   - lengths: Places of the encoders' lines.
    ///   - entering: Told when encoders are loaded and when they run.
    mutating func encode(
        _ prompts: PromptSet, _ cache: inout ConditioningCache, adapters: [String], lengths: [Int],
        _ record: inout RecoveryRecord, entering: (Progress.Stage) -> Void
    ) throws -> EncodedPrompts {
        var wanted: [(content: PreparedPrompt.Content, dialect: PromptDialect, skip: Int)] = []
        for content in prompts.prompt.contents {
            wanted.append((content, prompts.prompt.dialect, prompts.clipSkip))
        }
        let count = wanted.count
        for content in prompts.negative?.contents ?? [] {
            wanted.append((content, prompts.negative?.dialect ?? .plain, 0))
        }
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
        return (textFiles + formats).joined(separator: "\n")
    }
}
