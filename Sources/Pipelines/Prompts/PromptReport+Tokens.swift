internal import Generation
internal import Prompts

extension PromptReport {
    /// What a family's tokenizers made of a prompt.
    init(
        dialect: PromptDialect, parts: [PreparedPrompt.Part], contents: [PreparedPrompt.Content],
        by tokenizing: some PromptTokenizing, unknown: [String], notes: [String]
    ) {
        let reports = contents.map { content in
            Self.texts(content, tokenizing)
        }
        let used = contents.flatMap { content in
            content.texts.joined().flatMap { ($0.chunks.joined() + $0.dropped).compactMap(\.embedding) }
                + content.unpooled.compactMap(\.embedding)
        }
        self.init(
            dialect: dialect.rawValue,
            parts: parts.map { part in
                Part(weight: part.weight, spans: Self.spans(part, contents, reports))
            },
            embeddings: Set(used).sorted(), unknown: unknown, notes: notes)
    }

    private static func spans(
        _ part: PreparedPrompt.Part, _ contents: [PreparedPrompt.Content], _ reports: [[Text]]
    ) -> [Span] {
        var order: [Int] = []
        var steps: [Int: [[Int]]] = [:]
        for span in part.spans {
            if steps[span.content] == nil { order.append(span.content) }
            steps[span.content, default: []].append([span.steps.lowerBound + 1, span.steps.upperBound])
        }
        return order.map { index in
            let kind =
                switch contents[index].states.first {
                case .blend: "blend"
                case .conjunction: "and"
                case .text, nil: "text"
                }
            return Span(
                steps: part.spans.count == 1 ? nil : steps[index], kind: kind, texts: reports[index])
        }
    }

    /// Encoders that cut a text alike are told of once.
    private static func texts(_ content: PreparedPrompt.Content, _ tokenizing: some PromptTokenizing)
        -> [Text]
    {
        let count = content.texts.map(\.count).min() ?? 0
        var texts = (0..<count).map { index in
            var encodings: [Encoding] = []
            for (vocabulary, texts) in zip(tokenizing.vocabularies, content.texts) {
                let text = texts[index]
                let chunks = text.chunks.map { Chunk($0, vocabulary) }
                let dropped = text.dropped.map(vocabulary.text)
                if let last = encodings.last, last.dropped == dropped,
                    zip(last.chunks, chunks).allSatisfy({ $0.tokens == $1.tokens && $0.weights == $1.weights }
                    ),
                    last.chunks.count == chunks.count, last.chunks.map(\.ids) == chunks.map(\.ids)
                {
                    encodings[encodings.count - 1].encoders.append(vocabulary.name)
                } else {
                    encodings.append(
                        Encoding(
                            encoders: [vocabulary.name], tokenCount: text.tokenCount, room: vocabulary.room,
                            chunks: chunks, dropped: dropped))
                }
            }
            return Text(encodings: encodings)
        }
        let summarizer = tokenizing.summarizer
        if !tokenizing.vocabularies.contains(where: { $0.name == summarizer.name }), !texts.isEmpty {
            let frame = summarizer.startIDs.count
            let read = content.pooled.map { pooled in
                let end = pooled.line.ids.dropFirst(frame).firstIndex { summarizer.endIDs.contains($0) }
                return pooled.line.ids[frame..<(end ?? pooled.line.ids.count)].map { id in
                    PromptToken(id: id, embedding: summarizer.word(of: id))
                }
            }
            texts[0].encodings.insert(
                Encoding(
                    encoders: [summarizer.name],
                    tokenCount: read.reduce(content.unpooled.count) { $0 + $1.count }, room: summarizer.room,
                    chunks: read.map { Chunk($0, summarizer) }, dropped: content.unpooled.map(summarizer.text)
                ),
                at: 0)
        }
        return texts
    }
}

extension PromptReport.Chunk {
    init(_ tokens: [PromptToken], _ vocabulary: PromptVocabulary) {
        let weights = tokens.map(\.weight)
        self.init(
            tokens: tokens.map(vocabulary.text), ids: tokens.map(\.id),
            weights: weights.allSatisfy { $0 == 1 } ? nil : weights)
    }
}
