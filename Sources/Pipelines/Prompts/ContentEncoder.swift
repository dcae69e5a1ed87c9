internal import Generation
internal import Prompts
internal import Torch

/// Encodes one conditioning's texts with one encoder, and mixes them as the prompt says.
struct ContentEncoder {
    let encoder: LineEncoder
    let dialect: PromptDialect
    /// The encoding of the empty text, `[1, places, width]`.
    let empty: () throws -> Tensor

    func states(_ content: Mixture<TokenizedText>) throws -> WeightedStates {
        switch content {
        case .text(let text): return try states(text)
        case .blend(let texts, let isNormalized):
            let parts = try texts.map { try states($0.text) }
            let places = parts.map { $0.weighted.shape[1] }.max() ?? 0
            let sum = isNormalized ? texts.reduce(0) { $0 + $1.weight } : 1
            var mixed: Tensor?
            for (part, text) in zip(parts, texts) {
                let share = text.weight / sum
                let states = try part.padded(to: places, with: empty).weighted
                mixed = try mixed?.adding(states, times: share) ?? states * share
            }
            guard let mixed else { return try states(TokenizedText(chunks: [], lines: [])) }
            return WeightedStates(weighted: mixed, plain: try parts[0].padded(to: places, with: empty).plain)
        case .conjunction(let parts):
            return try .joined(
                parts.map { part, weight in
                    var states = try states(part)
                    guard weight != 1 else { return states }
                    let count = states.weighted.shape[1]
                    let one = try empty()
                    let empty = try Tensor.concatenated(
                        Array(repeating: one, count: count / one.shape[1]), along: 1)
                    states.weighted = try empty + (states.weighted - empty) * weight
                    return states
                })
        }
    }

    private func states(_ text: TokenizedText) throws -> WeightedStates {
        switch dialect {
        case .compel: return try CompelWeighting.states(text, encoder, empty: empty)
        case .a1111: return try A1111Weighting.states(text, encoder)
        case .plain:
            let plain = try encoder.states(text.lines).asOneRow()
            return WeightedStates(weighted: plain, plain: plain)
        }
    }
}

/// One conditioning in float32 on the host: what the cache keeps, and what the denoiser is given.
struct EncodedPrompt: Sendable, Equatable {
    let places: Int
    let width: Int
    /// `[places, width]`, row-major.
    let states: [Float]
    let pooled: [Float]

    /// - Parameters: `states`: `[1, places, width]`; `pooled`: `[1, pooled width]`.
    init(_ states: Tensor, pooled: Tensor) throws(TensorError) {
        places = states.shape[1]
        width = states.shape[2]
        self.states = try states.floats()
        self.pooled = try pooled.floats()
    }

    private init(places: Int, width: Int, states: [Float], pooled: [Float]) {
        self.places = places
        self.width = width
        self.states = states
        self.pooled = pooled
    }

    var byteCount: Int { (states.count + pooled.count) * MemoryLayout<Float>.size }

    /// Longer by the empty text's encoding, repeated.
    func padded(to places: Int, with empty: EncodedPrompt?) -> EncodedPrompt {
        guard let empty, places > self.places else { return self }
        let filling = Array(repeating: empty.states, count: (places - self.places) / empty.places).joined()
        return EncodedPrompt(places: places, width: width, states: states + filling, pooled: pooled)
    }

    /// The same shapes, all zeros: what many SDXL checkpoints were trained with for "no negative prompt".
    var zeroed: EncodedPrompt {
        EncodedPrompt(
            places: places, width: width, states: [Float](repeating: 0, count: states.count),
            pooled: [Float](repeating: 0, count: pooled.count))
    }

    /// Conditionings of one length side by side: `[prompts, places, width]` and `[prompts, pooled width]`.
    static func tensors(
        _ prompts: [EncodedPrompt]
    ) throws(TensorError) -> (states: Tensor, pooled: Tensor) {
        (
            try Tensor(
                prompts.flatMap(\.states), shape: [prompts.count, prompts[0].places, prompts[0].width]),
            try Tensor(prompts.flatMap(\.pooled), shape: [prompts.count, prompts[0].pooled.count])
        )
    }
}

extension PreparedPrompt.Content {
    /// Lines of the longest encoder's sequence.
    var lineCount: Int { states.map(Self.lines).max() ?? 1 }

    /// Whether the empty text's encoding is needed to encode it.
    var needsEmpty: Bool {
        Set(states.map(Self.lines)).count > 1 || states.contains(where: Self.needsEmpty)
    }

    private static func lines(_ content: Mixture<TokenizedText>) -> Int {
        switch content {
        case .text(let text): text.lines.count
        case .blend(let texts, _): texts.map { $0.text.lines.count }.max() ?? 0
        case .conjunction(let parts): parts.reduce(0) { $0 + lines($1.part) }
        }
    }

    private static func needsEmpty(_ content: Mixture<TokenizedText>) -> Bool {
        switch content {
        case .text(let text): text.lines.contains(where: \.isWeighted)
        case .blend(let texts, _):
            Set(texts.map { $0.text.lines.count }).count > 1
                || texts.contains { $0.text.lines.contains(where: \.isWeighted) }
        case .conjunction(let parts): parts.contains { $0.weight != 1 || needsEmpty($0.part) }
        }
    }
}
