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
protocol PromptStage: Sendable {
    associatedtype Tokens: PromptTokenizing
    /// The vocabularies, with lines as long as the request takes them.
    var tokens: Tokens { get set }

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
