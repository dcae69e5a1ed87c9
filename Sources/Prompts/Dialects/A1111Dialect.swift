/// Reads prompts as AUTOMATIC1111's web interface does: adapters are taken out first, then the text is split at `AND`,
/// then come changes over the steps, and weights last. Documentation/prompts.md has the rules and the differences.
struct A1111Dialect {
    private let source: String
    private var adapters: [AdapterMention] = []
    private var notes: [PromptNote] = []

    static func parse(_ source: String, allowsParts: Bool) throws(PromptError) -> Prompt {
        var dialect = A1111Dialect(source: source)
        let text = try dialect.takingAdapters(from: MappedText(source))
        var parts: [PromptPart] = []
        let stretches = allowsParts ? A1111Dialect.parts(of: text) : [0..<text.count]
        for stretch in stretches {
            var (content, weight) = (stretch, 1.0)
            if allowsParts {
                (content, weight) = try dialect.weight(of: stretch, in: text, isOnly: stretches.count == 1)
            }
            parts.append(PromptPart(weight: weight, content: try dialect.content(of: text.part(content))))
        }
        return Prompt(
            dialect: .a1111, source: source, parts: parts, adapters: dialect.adapters, notes: dialect.notes)
    }

    private init(source: String) { self.source = source }

    private mutating func content(of text: MappedText) throws(PromptError) -> ScheduledContent {
        // Read with its changes unresolved too, for the faults and notes that do not depend on them.
        let emphasis = try A1111Emphasis(text, source: source)
        if let bracket = emphasis.openBracket {
            notes.append(
                PromptNote(text: "this bracket is not closed: its weight reaches to the end", range: bracket))
        }
        if let bracket = emphasis.strayBracket {
            notes.append(
                PromptNote(text: "this bracket closes nothing and is read as text", range: bracket))
        }
        let schedule = A1111Schedule(text)
        if let obstacle = schedule.obstacle {
            notes.append(
                PromptNote(
                    text:
                        "nothing in this text changes over the steps: it has a '|' outside of [a|b], or a backslash before nothing",
                    range: obstacle))
        }
        guard !schedule.isConstant else { return .constant(.text(emphasis.text)) }
        return .changing(ChangingText(source: source, schedule: schedule))
    }
}

// MARK: - Parts

extension A1111Dialect {
    /// The stretches between the words `AND`.
    private static func parts(of text: MappedText) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "A"), text.has("AND", at: index),
                index == 0 || !text.scalar(before: index).isPythonWord,
                index + 3 == text.count || !text.scalar(at: index + 3).isPythonWord
            else {
                index += 1
                continue
            }
            parts.append(start..<index)
            index += 3
            start = index
        }
        return parts + [start..<text.count]
    }

    /// The weight that is written behind a part, and the part without it.
    private mutating func weight(
        of part: Range<Int>, in text: MappedText, isOnly: Bool
    ) throws(PromptError) -> (content: Range<Int>, weight: Double) {
        let content = text.trimmedEnd(part)
        guard let colon = text.bytes[content].lastIndex(of: UInt8(ascii: ":")) else { return (content, 1) }
        let number = text.trimmed(colon + 1..<content.upperBound)
        guard text.isPartWeight(number), let weight = Double(text.string(number)) else { return (content, 1) }
        let range = text.source(colon..<content.upperBound)
        guard weight.isFinite else {
            throw PromptError("this weight is too large to be a number", at: range, in: source)
        }
        if isOnly {
            notes.append(
                PromptNote(
                    text: "this is the weight of the whole prompt; (words:1.2) gives one to words",
                    range: range))
        }
        return (text.trimmedEnd(content.lowerBound..<colon), weight)
    }
}

extension MappedText {
    /// A sign, and digits with a point between, before or behind them.
    fileprivate func isPartWeight(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        if index < range.upperBound, self[index] == UInt8(ascii: "+") || self[index] == UInt8(ascii: "-") {
            index += 1
        }
        var (digits, points) = (0, 0)
        while index < range.upperBound {
            if self[index].isDigit {
                digits += 1
            } else if self[index] == UInt8(ascii: ".") {
                points += 1
            } else {
                return false
            }
            index += 1
        }
        return digits > 0 && points <= 1
    }
}

// MARK: - Adapters

extension A1111Dialect {
    /// The text without its adapters: `<`, a word, a colon, anything, `>`.
    private mutating func takingAdapters(from text: MappedText) throws(PromptError) -> MappedText {
        guard let lastClosing = text.bytes.lastIndex(of: UInt8(ascii: ">")) else { return text }
        var result = MappedText()
        result.end = text.end
        result.reserve(text.count)
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "<"), index < lastClosing,
                let end = try takeAdapter(at: index, in: text)
            {
                index = end
            } else {
                result.append(text[index], at: text.places[index])
                index += 1
            }
        }
        return result
    }

    private mutating func takeAdapter(at start: Int, in text: MappedText) throws(PromptError) -> Int? {
        var index = start + 1
        while index < text.count {
            let scalar = text.scalar(at: index)
            guard scalar.isPythonWord else { break }
            index += UTF8.width(scalar)
        }
        let kind = start + 1..<index
        guard !kind.isEmpty, index < text.count, text[index] == UInt8(ascii: ":"),
            let end = text.bytes[index...].firstIndex(of: UInt8(ascii: ">")), end > index + 1
        else { return nil }
        var positional: [Range<Int>] = []
        var named: [String: Range<Int>] = [:]
        var item = index + 1
        for place in index + 1...end where place == end || text[place] == UInt8(ascii: ":") {
            let signs = text.bytes[item..<place].indices.filter { text[$0] == UInt8(ascii: "=") }
            if signs.count == 1 {
                named[text.string(item..<signs[0])] = signs[0] + 1..<place
            } else {
                positional.append(item..<place)
            }
            item = place + 1
        }
        let range = text.source(start..<end + 1)
        guard let name = positional.first, !name.isEmpty else {
            throw PromptError("this adapter has no name: write <lora:name:0.8>", at: range, in: source)
        }
        var textWeight = 1.0
        if let written = named["te"] ?? (positional.count > 1 ? positional[1] : nil) {
            textWeight = try adapterWeight(written, in: text)
        }
        var denoiserWeight = textWeight
        if let written = named["unet"] ?? (positional.count > 2 ? positional[2] : nil) {
            denoiserWeight = try adapterWeight(written, in: text)
        }
        let unread = Set(named.keys).subtracting(["te", "unet"])
        if positional.count > 3 || !unread.isEmpty {
            notes.append(
                PromptNote(text: "only the name and the weights of an adapter are read", range: range))
        }
        adapters.append(
            AdapterMention(
                kind: text.string(kind), name: text.string(name), textWeight: textWeight,
                denoiserWeight: denoiserWeight, range: range))
        return end + 1
    }

    private func adapterWeight(_ range: Range<Int>, in text: MappedText) throws(PromptError) -> Double {
        let number = text.trimmed(range)
        let isDecimal = text.bytes[number].allSatisfy {
            $0.isDigit
                || [
                    UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "e"),
                    UInt8(ascii: "E"),
                ]
                .contains($0)
        }
        guard isDecimal, let weight = Double(text.string(number)), weight.isFinite else {
            throw PromptError(
                "an adapter's weight is a number: write <lora:name:0.8>", at: text.source(range), in: source)
        }
        return weight
    }
}
