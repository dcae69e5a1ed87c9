import Foundation
import Prompts

/// What Scripts/fixtures/prompts.py and prompts_a1111.py recorded.
enum Recorded {
    static func read<Document: Decodable>(_ name: String, as type: Document.Type) throws -> Document {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fixtures/prompts")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }

    /// A text and its weight, written as a list of two.
    struct Piece: Decodable, Equatable {
        var text: String
        var weight: Double

        init(_ fragment: Fragment) {
            text = fragment.text
            weight = fragment.weight
        }

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            text = try list.decode(String.self)
            weight = try list.decode(Double.self)
        }
    }

    struct CompelPrompts: Decodable {
        struct Case: Decodable {
            var text: String
            var refused: String?
            var parts: [Part]?
            var weights: [Double]?
            var adapters: [Piece]?
        }

        /// A text, or a blend.
        struct Part: Decodable, Equatable {
            var fragments: [Piece]?
            var blend: [[Piece]]?
            var weights: [Double]?
            var isNormalized: Bool?
        }

        var prompts: [Case]
    }

    struct A1111Prompts: Decodable {
        struct Case: Decodable {
            var text: String
            var steps: Int
            var parts: [Part]
        }

        struct Part: Decodable {
            var weight: Double
            var spans: [RecordedSpan]
        }

        struct RecordedSpan: Decodable, Equatable {
            var start: Int
            var end: Int
            var content: Content
        }

        struct Content: Decodable, Equatable {
            var fragments: [Piece]
            var breaks: [Int]
        }

        var prompts: [Case]
    }

    struct Chunks: Decodable {
        struct Case: Decodable {
            /// A letter for each token: `w` a word's end, `-` its middle, else the sign itself.
            var kinds: String
            var breaks: [Int]?
            var chunks: [Int]

            var borders: [TokenBorder] {
                kinds.map { TokenBorder(token: $0 == "-" ? "wo" : $0 == "w" ? "word</w>" : "\($0)</w>") }
            }
        }

        var texts: [Case]
    }
}

extension Prompt {
    /// The text of a prompt that is one text at all steps.
    var onlyText: WeightedText? {
        guard parts.count == 1, case .constant(.text(let text)) = parts[0].content else { return nil }
        return text
    }

    var texts: [String]? { onlyText?.fragments.map(\.text) }
    var weights: [Double]? { onlyText?.fragments.map(\.weight) }
}

/// Why a text is refused.
func refusal(of text: String, _ dialect: PromptDialect, steps: Int = 10) -> PromptError? {
    do throws(PromptError) {
        _ = try Prompt.parse(text, dialect: dialect).resolved(steps: steps)
        return nil
    } catch {
        return error
    }
}
