internal import Generation
internal import Layers
internal import Models
internal import Tokenizers
internal import Torch

/// Turns SDXL's prompts into what its denoiser is conditioned on.
struct SDXLTextStage {
    let first: CLIPTextModel
    let second: CLIPTextModel

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

    /// Encodes one prompt.
    /// - Parameter clipSkip: Layers left out beyond the last, which SDXL never uses.
    func encode(_ lines: Lines, clipSkip: Int) throws(TensorError) -> Encoded {
        let skipped = clipSkip + 1
        let a = try first(lines.first, skippedLayers: skipped).hiddenStates
        let b = try second(lines.second, skippedLayers: skipped)
        let width = { (x: Tensor) in x.shape[2] }
        // Lines follow each other along the tokens.
        let joined = try Tensor.concatenated(
            [
                a.reshaped(1, -1, width(a)).to(.float32),
                b.hiddenStates.reshaped(1, -1, width(b.hiddenStates)).to(.float32),
            ],
            along: 2)
        guard let pooled = b.pooled else {
            throw TensorError(operation: "CLIP", message: "the second text encoder has no projection")
        }
        return Encoded(
            hiddenStates: joined, pooled: try pooled.narrowed(0, from: 0, length: 1).to(.float32))
    }
}
