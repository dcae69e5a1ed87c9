internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Tokenizers
internal import Torch

/// Turns SDXL's prompts into what its denoiser is conditioned on.
struct SDXLTextStage {
    let first: CLIPTextModel
    let second: CLIPTextModel
    /// What each encoder computes in.
    let formats: (first: NumberFormat, second: NumberFormat)

    /// A prompt in both vocabularies, cut into lines that the encoders can take.
    struct Lines: Sendable, Equatable {
        var first: [[Int]]
        var second: [[Int]]
        /// Tokens of the text in the first vocabulary, without start, end and padding.
        let tokenCount: Int

        var count: Int { first.count }
    }

    /// The tokenizers, and how long a line each encoder takes.
    struct Tokens: Sendable {
        let first: CLIPTokenizer
        let second: CLIPTokenizer
        let firstLength: Int
        let secondLength: Int
        private let vocabularies: (first: Int, second: Int)

        init(_ checkpoint: SDXLCheckpoint) throws {
            first = try Self.tokenizer(checkpoint.tokenizer, .endOfText)
            second = try Self.tokenizer(checkpoint.tokenizer2, .exclamationMark)
            firstLength = min(first.maximumLength, checkpoint.textEncoder.configuration.positions)
            secondLength = min(second.maximumLength, checkpoint.textEncoder2.configuration.positions)
            // Hidden states are joined token by token, so both lines must be of one length.
            guard min(firstLength, secondLength) >= CLIPTextConfiguration.shortestLine else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): its tokenizers' lines have \(firstLength) and \(secondLength) places "
                        + "(model_max_length, max_position_embeddings), at least 3 are needed")
            }
            guard firstLength == secondLength else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): the first text encoder takes lines of \(firstLength) tokens and the second "
                        + "of \(secondLength) (model_max_length, max_position_embeddings); they must be equal"
                )
            }
            vocabularies = (
                checkpoint.textEncoder.configuration.vocabularySize,
                checkpoint.textEncoder2.configuration.vocabularySize
            )
        }

        private static func tokenizer(
            _ location: TokenizerLocation, _ padding: CLIPTokenizer.Padding
        ) throws -> CLIPTokenizer {
            switch location {
            case .embedded: try CLIPTokenizer.embedded(padding: padding)
            case .folder(let path): try CLIPTokenizer(folder: path)
            }
        }

        /// Cuts a prompt of any length into lines; the last one is padded.
        /// - Throws: ``Failure`` when a tokenizer gives ids that its encoder does not know.
        func lines(_ prompt: String) throws(Failure) -> Lines {
            let ids = first.encode(prompt)
            let lines = Lines(
                first: Self.lines(ids, first, firstLength),
                second: Self.lines(second.encode(prompt), second, secondLength), tokenCount: ids.count)
            for (name, rows, size) in [
                ("text_encoder", lines.first, vocabularies.first),
                ("text_encoder_2", lines.second, vocabularies.second),
            ] {
                guard let largest = rows.joined().max(), largest >= size else { continue }
                throw Failure(
                    .badCheckpoint,
                    "the tokenizer gives id \(largest), but \(name) knows only \(size): they do not belong together"
                )
            }
            return lines
        }

        /// Makes all prompts equally many lines, with encoded empty ones at the end: they are concatenated, and
        /// positive and negative must be of one length.
        func levelled(_ prompts: [Lines]) throws(Failure) -> [Lines] {
            let count = prompts.flatMap { [$0.first.count, $0.second.count] }.max() ?? 1
            let empty = try lines("")
            return prompts.map { prompt in
                var prompt = prompt
                prompt.first += Array(repeating: empty.first[0], count: count - prompt.first.count)
                prompt.second += Array(repeating: empty.second[0], count: count - prompt.second.count)
                return prompt
            }
        }

        private static func lines(_ ids: [Int], _ tokenizer: CLIPTokenizer, _ length: Int) -> [[Int]] {
            let room = length - 2
            return stride(from: 0, to: max(ids.count, 1), by: room).map { start in
                let part = ids[start..<min(start + room, ids.count)]
                let line = [tokenizer.startID] + part + [tokenizer.endID]
                return line + Array(repeating: tokenizer.padID, count: length - line.count)
            }
        }
    }

    /// A prompt's conditioning: hidden states `[1, tokens, width]` and the pooled embedding `[1, pooled width]`.
    struct Encoded: Sendable {
        let hiddenStates: Tensor
        let pooled: Tensor

        /// The same shapes, all zeros: what many SDXL checkpoints were trained with for "no negative prompt".
        func zeroed() throws(TensorError) -> Encoded {
            Encoded(hiddenStates: try hiddenStates * 0, pooled: try pooled * 0)
        }
    }

    /// How many lines are encoded side by side: bounds the memory of a long prompt.
    static let batch = 8

    /// Encodes one prompt.
    /// - Parameters:
    ///   - clipSkip: Layers left out beyond the last, which SDXL never uses.
    ///   - batch: How many lines are encoded side by side.
    func encode(_ lines: Lines, clipSkip: Int, batch: Int = Self.batch) throws -> Encoded {
        var states: [Tensor] = []
        var pooled: Tensor?
        for start in stride(from: 0, to: lines.count, by: batch) {
            try Task.checkCancellation()
            let rows = start..<min(start + batch, lines.count)
            let place = "lines \(rows.lowerBound + 1) to \(rows.upperBound) of \(lines.count)"
            let a = try FaultInjection.pass(
                first(Array(lines.first[rows]), skippedLayers: clipSkip + 1).hiddenStates,
                .text(.textEncoder), formats.first)
            try Guards.checkText(a, .textEncoder, place: place)
            let b = try second(Array(lines.second[rows]), skippedLayers: clipSkip + 1)
            let hidden = try FaultInjection.pass(b.hiddenStates, .text(.textEncoder2), formats.second)
            try Guards.checkText(hidden, .textEncoder2, place: place)
            states.append(try Tensor.concatenated([Self.row(a), Self.row(hidden)], along: 2))
            // The first line's, as everybody takes it.
            pooled = try pooled ?? b.pooled?.narrowed(0, from: 0, length: 1).to(.float32)
        }
        guard let pooled else {
            throw TensorError(operation: "CLIP", message: "the second text encoder has no projection")
        }
        let unweighted = try Tensor.concatenated(states, along: 1)
        let encoded = Encoded(
            hiddenStates: try FaultInjection.pass(unweighted, .conditioning, .fp32), pooled: pooled)
        try Guards.checkConditioning(
            encoded.hiddenStates, unweighted: unweighted, pooled: pooled, place: "\(lines.count) lines")
        return encoded
    }

    /// Lines behind each other along the tokens: `[lines, tokens, width]` to `[1, lines * tokens, width]`.
    private static func row(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.reshaped(1, -1, x.shape[2]).to(.float32)
    }
}
