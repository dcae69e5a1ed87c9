/// How a prompt was read: its tokens line by line, their weights, and what no encoder saw.
package struct PromptReport: Sendable, Equatable, Codable {
    /// A line of an encoder, without start, end and padding.
    package struct Chunk: Sendable, Equatable, Codable {
        package var tokens: [String]
        package var ids: [Int]
        /// Of each token; nil where all are 1.
        package var weights: [Double]?

        package init(tokens: [String], ids: [Int], weights: [Double]?) {
            self.tokens = tokens
            self.ids = ids
            self.weights = weights
        }
    }

    /// One text in the tokens of encoders that cut it alike.
    package struct Encoding: Sendable, Equatable, Codable {
        /// `text_encoder`, `text_encoder_2`.
        package var encoders: [String]
        package var tokenCount: Int
        /// Tokens that one chunk holds.
        package var room: Int
        package var chunks: [Chunk]
        /// Tokens that the encoder was not given.
        package var dropped: [String]

        package init(encoders: [String], tokenCount: Int, room: Int, chunks: [Chunk], dropped: [String]) {
            self.encoders = encoders
            self.tokenCount = tokenCount
            self.room = room
            self.chunks = chunks
            self.dropped = dropped
        }
    }

    /// A text of a conditioning: the only one, a share of a blend, or a piece of a conjunction.
    package struct Text: Sendable, Equatable, Codable {
        package var encodings: [Encoding]

        package init(encodings: [Encoding]) { self.encodings = encodings }
    }

    /// What is encoded at some steps.
    package struct Span: Sendable, Equatable, Codable {
        /// First and last step, counted from 1, of each stretch; nil for all steps.
        package var steps: [[Int]]?
        /// `text`, `blend` or `and`.
        package var kind: String
        package var texts: [Text]

        package init(steps: [[Int]]?, kind: String, texts: [Text]) {
            self.steps = steps
            self.kind = kind
            self.texts = texts
        }
    }

    /// One of the prompts that are denoised beside each other.
    package struct Part: Sendable, Equatable, Codable {
        package var weight: Double
        package var spans: [Span]

        package init(weight: Double, spans: [Span]) {
            self.weight = weight
            self.spans = spans
        }
    }

    package var dialect: String
    package var parts: [Part]
    /// Words of textual inversion that were used, in order of their names.
    package var embeddings: [String]
    /// Words that are written as textual inversion's and are none.
    package var unknown: [String]
    /// What was read otherwise than it looks.
    package var notes: [String]

    package init(
        dialect: String, parts: [Part], embeddings: [String], unknown: [String], notes: [String]
    ) {
        self.dialect = dialect
        self.parts = parts
        self.embeddings = embeddings
        self.unknown = unknown
        self.notes = notes
    }
}

extension PromptReport {
    /// Tokens of the text, without start, end and padding: of the longest that is encoded at once, in the vocabulary that
    /// cuts it finest.
    package var tokenCount: Int {
        parts.flatMap(\.spans).map { span in
            span.texts.reduce(0) { $0 + ($1.encodings.map(\.tokenCount).max() ?? 0) }
        }.max() ?? 0
    }
}
