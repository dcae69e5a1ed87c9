import Prompts

/// Prompts made of pieces of syntax, the same ones for the same seed.
struct MadePrompts {
    private var random: SplitMix
    private let pieces: [String]

    /// A small generator of its own, so that a failing prompt can be made again.
    struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        pieces = Self.signs + Self.words
    }

    private static let signs = [
        "(", ")", "(", ")", "[", "]", "\"", "+", "++", "-", "--", ",", ".", ":", "|", "=", "<", ">", "\\",
        " ", " ", " ",
        "\n", "\r\n", "\t", "\u{B}", "\u{A0}", "\u{3000}", "\\(", "\\)", "\\\"", "\\[", "\\]", "\\\\", "\\n",
        "\\,",
    ]

    private static let words = [
        "a", "cat", "BREAK", "AND", " AND ", "1.2", "0.5", ".5", "-3", "7", "1e9", "999999999", ":1.2)",
        ":0.5]", "]+",
        ")1.3", ")++", ".blend(", ".and(", ".swap(", ".attend(", "withLora(", "useLora(", "no_normalize",
        "(\"a\", \"b\")",
        "(\"a\",\"b\").blend(1, 0.5)", "<lora:x:0.5>", "[a:b:0.5]", "[a|b|]", "(c:1.1)", "é", "猫", "👩‍🎨",
        "e\u{301}", "\u{0}",
    ]

    mutating func next(upTo count: Int = 12) -> String {
        let length = Int.random(in: 0...count, using: &random)
        return (0..<length).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }
}

/// Texts of many bytes that are hard on a parser that goes back or recurses.
enum HardPrompts {
    static func all(bytes count: Int) -> [(name: String, text: String)] {
        let units: [(String, String)] = [
            ("open round", "("), ("closed round", ")"), ("open square", "["), ("closed square", "]"),
            ("quotation marks", "\""), ("quotations", "\"a\" "), ("escaped marks", "\\\""),
            ("backslashes", "\\"),
            ("plus", "+"), ("minus", "-"), ("words with plus", "a+ "), ("one word", "a"), ("spaces", " "),
            ("commas", ","),
            ("points", "."), ("colons", ":"), ("bars", "|"), ("AND", "AND "), ("BREAK", "BREAK "),
            ("digits", "1"),
            ("swaps", "a.swap("), ("closed swaps", "a.swap(b) "), ("adapters", "withLora("),
            ("attends", "(a).attend("),
            ("switches", "[a:b:"), ("closed switches", "[a:b:0.5]"), ("alternations", "[a|"),
            ("tags", "<lora:a:"),
            ("tag ends", ">"), ("groups", "(a)1.1 "), ("groups with words", "(a b c "),
            ("flags", "(\"a\").blend(a=1,"),
            ("weights", "(a:1.1)"), ("points and spaces", ".  ("), ("emoji", "👩‍🎨"), ("mixed", "([\"(a:1.1"),
            ("swap spaces", ".swap      ("), ("colon spaces", ":      "), ("pairs", "a=b "),
        ]
        var texts = units.map { (name: $0.0, text: repeated($0.1, to: count)) }
        let depth = count / 8
        texts.append(("nested weights", nested("(", "a", ")1.0", depth: depth)))
        texts.append(("nested plus", nested("(", "a", ")+", depth: depth)))
        texts.append(("nested minus", nested("(", "a", ")-", depth: depth)))
        texts.append(("nested colons", nested("(", "a", ":1.0)", depth: depth)))
        texts.append(("nested switches", nested("[a:", "b", ":0.5]", depth: count / 8)))
        texts.append(("nested switches with text", nested("[a ", "b", " c:0.5]", depth: count / 10)))
        texts.append(("nested alternations", nested("[a|", "b", "]", depth: count / 4)))
        texts.append(("nested swaps", nested("a.swap(", "b", ")", depth: count / 8)))
        texts.append(("quoted groups", "\"" + nested("(", "a", ")1.0", depth: depth) + "\"+"))
        texts.append(
            ("a deep group with many parts", nested("(", repeated("[a]b ", to: count / 2), ")", depth: 200)))
        texts.append(("a huge blend", "(" + repeated("\"a\",", to: count) + "\"b\").blend()"))
        texts.append(
            (
                "a huge blend of weights",
                "(" + repeated("\"a\",", to: count / 2) + "\"b\").blend(" + repeated("1,", to: count / 2)
                    + "1)"
            ))
        texts.append(("a huge alternation", "[" + repeated("a|", to: count) + "]"))
        return texts
    }

    private static func repeated(_ unit: String, to bytes: Int) -> String {
        String(repeating: unit, count: max(1, bytes / unit.utf8.count))
    }

    private static func nested(_ open: String, _ inner: String, _ close: String, depth: Int) -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
    }
}

/// What must hold for every text in every dialect; the first thing that does not.
func fault(of text: String, _ dialect: PromptDialect, steps: Int) -> String? {
    let length = text.utf8.count
    func isInside(_ range: Range<Int>) -> Bool { range.lowerBound >= 0 && range.upperBound <= length }
    func fault(of text: WeightedText, after start: inout Int) -> String? {
        for fragment in text.fragments {
            guard isInside(fragment.range), fragment.range.lowerBound >= start else {
                return "range \(fragment)"
            }
            guard fragment.weight.isFinite else { return "weight \(fragment)" }
            start = fragment.range.upperBound
        }
        for (index, place) in text.breaks.enumerated() {
            guard 0...text.fragments.count ~= place, index == 0 || text.breaks[index - 1] <= place else {
                return "breaks \(text.breaks)"
            }
        }
        return nil
    }
    do throws(PromptError) {
        let prompt = try Prompt.parse(text, dialect: dialect)
        guard !prompt.parts.isEmpty, prompt.source == text else { return "parts" }
        for mention in prompt.adapters where !isInside(mention.range) || mention.range.isEmpty {
            return "adapter \(mention)"
        }
        for note in prompt.notes where !isInside(note.range) { return "note \(note)" }
        var partStart = 0
        for (part, spans) in zip(prompt.parts, try prompt.resolved(steps: steps)) {
            guard part.weight.isFinite else { return "part's weight" }
            guard spans.first?.steps.lowerBound == 0, spans.last?.steps.upperBound == steps else {
                return "spans"
            }
            for (before, span) in zip(spans, spans.dropFirst())
            where before.steps.upperBound != span.steps.lowerBound || before.content == span.content {
                return "spans \(spans)"
            }
            var end = partStart
            for span in spans {
                var start = partStart
                switch span.content {
                case .text(let text): if let found = fault(of: text, after: &start) { return found }
                case .blend(let parts, _), .conjunction(let parts):
                    guard !parts.isEmpty else { return "no parts" }
                    for part in parts {
                        guard part.weight.isFinite else { return "share" }
                        if let found = fault(of: part.content, after: &start) { return found }
                    }
                }
                end = max(end, start)
            }
            partStart = end
        }
        let whole = WeightedText(fragments: [Fragment(text: text, weight: 1, range: 0..<length)])
        if dialect == .plain, prompt.parts.map(\.content) != [.constant(.text(whole))] {
            return "plain text changed"
        }
    } catch {
        guard dialect != .plain else { return "plain refused" }
        guard isInside(error.range), error.line >= 1, error.column >= 1 else {
            return "error's place \(error)"
        }
        guard !error.description.contains("\n") else { return "error's lines \(error)" }
    }
    return nil
}
