internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Tokenizers
internal import Torch

/// Turns FLUX.1's prompts into what its denoiser is conditioned on: T5's states, and CLIP's summary.
struct FluxTextStage {
    let clip: CLIPTextModel
    let t5: T5Encoder
    /// What each encoder computes in.
    let formats: (clip: NumberFormat, t5: NumberFormat)

    /// A prompt in both vocabularies.
    struct Lines: Sendable, Equatable {
        let clip: [Int]
        let t5: [Int]
        /// Tokens of the text in CLIP's vocabulary, without start and end, and how many of them the summary is made of.
        let clipTokens: (all: Int, used: Int)
        /// Tokens of the text in T5's vocabulary, with its end.
        let t5Tokens: Int

        static func == (a: Lines, b: Lines) -> Bool { a.clip == b.clip && a.t5 == b.t5 }
    }

    /// The tokenizers, and how long a line each encoder takes.
    struct Tokens: Sendable {
        private let clip: CLIPTokenizer
        private let t5: T5Tokenizer
        private let clipLength: Int
        /// How long T5's lines are where nobody names a length: the published model's, or what the tokenizer says if
        /// that is less.
        let usualLength: Int
        private let vocabularies: (clip: Int, t5: Int)

        /// The longest line that T5 is given.
        static let longest = 512

        init(_ checkpoint: FluxCheckpoint) throws {
            clip =
                switch checkpoint.tokenizer {
                case .embedded: try CLIPTokenizer.embedded(padding: .endOfText)
                case .folder(let path): try CLIPTokenizer(folder: path)
                }
            guard let folder = checkpoint.t5Tokenizer else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): T5's vocabulary is in no weight file: put spiece.model or tokenizer.json beside "
                        + "the T5 file, or in a folder tokenizer_2 there, or give a FLUX.1 folder that has it with --config"
                )
            }
            t5 = try T5Tokenizer(folder: folder)
            clipLength = min(clip.maximumLength, checkpoint.clip.configuration.positions)
            guard clipLength >= CLIPTextConfiguration.shortestLine else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): CLIP's lines have \(clipLength) places (model_max_length, "
                        + "max_position_embeddings), at least 3 are needed")
            }
            usualLength = min(checkpoint.longestText, t5.maximumLength ?? checkpoint.longestText)
            vocabularies = (
                checkpoint.clip.configuration.vocabularySize, checkpoint.t5.configuration.vocabularySize
            )
        }

        /// A prompt's ids: T5's whole, CLIP's as many as fit, as the reference cuts them.
        /// - Parameters:
        ///   - length: Of T5's line.
        ///   - field: What the text is called in a refusal.
        func lines(_ prompt: String, length: Int, field: String) throws -> Lines {
            let words = clip.encode(prompt)
            let used = words.prefix(clipLength - 2)
            let short = [clip.startID] + used + [clip.endID]
            let clipLine = short + Array(repeating: clip.padID, count: clipLength - short.count)
            let ids = t5.encode(prompt)
            let count = t5.startIDs.count + ids.count + t5.endIDs.count
            guard count <= length else {
                throw Failure.badRequest(
                    field,
                    "the \(field) has \(count) tokens of T5 with its end, this run takes \(length)"
                        + (length < Self.longest
                            ? " (--text-tokens \(Self.longest) takes the most)" : ": shorten it"))
            }
            let t5Line = try t5.padded(ids, to: length)
            for (name, line, size) in [
                ("text_encoder", clipLine, vocabularies.clip), ("text_encoder_2", t5Line, vocabularies.t5),
            ] {
                guard let largest = line.max(), largest >= size else { continue }
                throw Failure(
                    .badCheckpoint,
                    "the tokenizer gives id \(largest), but \(name) knows only \(size): they do not belong together"
                )
            }
            return Lines(
                clip: clipLine, t5: t5Line, clipTokens: (words.count, used.count), t5Tokens: count)
        }
    }

    /// A prompt's conditioning.
    struct Encoded: Sendable {
        /// `[1, tokens, width]`, float32.
        let states: Tensor
        /// `[1, pooled width]`, float32.
        let pooled: Tensor
    }

    /// Encodes one prompt.
    /// - Throws: `Anomaly` when what an encoder says can be no text.
    func encode(_ lines: Lines) throws -> Encoded {
        guard let summary = try clip([lines.clip], skippedLayers: 0).pooled else {
            throw TensorError(operation: "CLIP", message: "the text encoder gives no summary")
        }
        let pooled = try FaultInjection.pass(summary, .text(.textEncoder), formats.clip).to(.float32)
        // One line of one token, as the check sees it.
        try Guards.checkText(pooled.unsqueezed(1), .textEncoder, place: "the text")
        try Task.checkCancellation()
        let states = try FaultInjection.pass(t5([lines.t5]), .text(.textEncoder2), formats.t5)
        try Guards.checkText(states, .textEncoder2, place: "the text")
        let unweighted = try states.to(.float32)
        let encoded = Encoded(
            states: try FaultInjection.pass(unweighted, .conditioning, .fp32), pooled: pooled)
        try Guards.checkConditioning(
            encoded.states, unweighted: unweighted, pooled: pooled, place: "the text")
        return encoded
    }
}
