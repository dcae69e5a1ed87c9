/// Reads what Compel 2.5 reads: weights, blends, conjunctions. Documentation/prompts.md has the rules and the differences.
struct CompelDialect {
    private let source: String
    private let grammar: CompelGrammar
    private var flattener: CompelFlattener

    private init(_ source: String) {
        self.source = source
        grammar = CompelGrammar(CompelDialect.spaced(source))
        flattener = CompelFlattener(source: source)
    }

    static func parse(_ source: String) throws(PromptError) -> Prompt {
        var dialect = CompelDialect(source)
        var notes: [PromptNote] = []
        let content = try dialect.content(notes: &notes)
        return Prompt(
            dialect: .compel, source: source,
            parts: [PromptPart(weight: 1, content: .constant(content))],
            adapters: dialect.flattener.adapters,
            notes: (notes + dialect.flattener.notes).sorted { $0.range.lowerBound < $1.range.lowerBound })
    }

    /// The prompt with a space behind each comma that has none; a comma directly behind such a comma does not count.
    private static func spaced(_ source: String) -> MappedText {
        let original = MappedText(source)
        var text = MappedText()
        text.end = original.end
        text.reserve(original.count)
        var previousIsComma = false
        for (index, byte) in original.bytes.enumerated() {
            let startsPair = previousIsComma && !original.scalar(at: index).isPythonSpace
            if startsPair { text.append(UInt8(ascii: " "), at: index) }
            text.append(byte, at: index)
            previousIsComma = byte == UInt8(ascii: ",") && !startsPair
        }
        return text
    }
}

// MARK: - The whole prompt

extension CompelDialect {
    private mutating func content(notes: inout [PromptNote]) throws(PromptError) -> PromptContent {
        let text = grammar.text
        guard !source.unicodeScalars.allSatisfy(\.isPythonSpace) else {
            return .text(WeightedText(fragments: [Fragment(text: "", weight: 1, range: 0..<0)]))
        }
        if let list = list(at: 0), list.operation != .blend {
            let rest = grammar.skippingSpace(list.end)..<text.count
            if rest.lowerBound < rest.upperBound {
                notes.append(
                    PromptNote(
                        text: "nothing is read behind a conjunction: put this into its list",
                        range: text.source(rest)))
            }
            return try conjunction(list)
        }
        var start = 0
        while let (item, end) = grammar.item(at: start, withStops: false),
            case .adapter(let name, let strength, let whole) = item
        {
            try flattener.add(name, strength, at: whole, of: grammar)
            start = end
        }
        if let list = list(at: start), list.operation == .blend {
            let content = try blend(list)
            var end = list.end
            while let (item, behind) = grammar.item(at: end, withStops: false),
                case .adapter(let name, let strength, let whole) = item
            {
                try flattener.add(name, strength, at: whole, of: grammar)
                end = behind
            }
            let rest = grammar.skippingSpace(end)..<text.count
            guard rest.isEmpty else {
                throw PromptError(
                    "a blend is the whole prompt, only adapters may follow it: put this into its list, or into a conjunction",
                    at: text.source(rest), in: source)
            }
            return content
        }
        return .text(try flattener.flatten(grammar, start..<text.count, isPrompt: true))
    }

    private mutating func conjunction(_ list: List) throws(PromptError) -> PromptContent {
        let weights = try weights(list.options, of: list, parts: list.elements.count)
        var parts: [Weighted<WeightedText>] = []
        for (element, weight) in zip(list.elements, weights) {
            let text = try flattener.flatten(grammar, element.target)
            if !text.fragments.isEmpty { parts.append(Weighted(content: text, weight: weight)) }
        }
        return parts.isEmpty ? .text(WeightedText(fragments: [])) : .conjunction(parts)
    }

    private mutating func blend(_ list: List) throws(PromptError) -> PromptContent {
        var options = list.options
        var isNormalized = true
        if let last = options.last, let name = last.name, grammar.text.string(name) == "no_normalize" {
            isNormalized = false
            options.removeLast()
        }
        let weights = try weights(options, of: list, parts: list.elements.count)
        var parts: [Weighted<WeightedText>] = []
        for (element, weight) in zip(list.elements, weights) {
            let text = try flattener.flatten(grammar, element.target)
            if let swap = flattener.firstSwap {
                throw PromptError(
                    "'.swap' cannot be part of a blend: write the word itself", at: swap, in: source)
            }
            guard !text.fragments.isEmpty else {
                throw PromptError(
                    "this part of the blend has no text, so that the weights would not fit the parts: write \"\" for an empty one",
                    at: grammar.text.source(element.range), in: source)
            }
            parts.append(Weighted(content: text, weight: weight))
        }
        let sum = weights.reduce(0, +)
        guard !isNormalized || (sum.isFinite && sum != 0) else {
            throw PromptError(
                "the weights of this blend add up to \(sum), by which they cannot be divided: change one, or add no_normalize",
                at: grammar.text.source(list.arguments), in: source)
        }
        return .blend(parts, isNormalized: isNormalized)
    }
}

// MARK: - Lists

extension CompelDialect {
    private enum Operation {
        case blend, conjunction
    }

    /// `("a", "b").and(1, 0.5)`.
    private struct List {
        var elements: [(target: CompelGrammar.Target, range: Range<Int>)]
        var operation: Operation
        var options: [CompelGrammar.Option]
        /// What is between the brackets behind the operator.
        var arguments: Range<Int>
        var end: Int
    }

    private func list(at index: Int) -> List? {
        let text = grammar.text
        let open = grammar.skippingSpace(index)
        guard open < text.count, text[open] == UInt8(ascii: "(") else { return nil }
        var elements: [(target: CompelGrammar.Target, range: Range<Int>)] = []
        var end = open + 1
        repeat {
            let start = grammar.skippingSpace(end)
            guard start < text.count else { return nil }
            if let (target, behind) = grammar.target(at: start) {
                elements.append((target, start..<behind))
                end = behind
            } else if let quote = grammar.quote(at: start) {
                elements.append((.quote(at: start), start..<quote.end))
                end = quote.end
            } else {
                return nil
            }
            end = grammar.skippingSpace(end) + 1
        } while end <= text.count && text[end - 1] == UInt8(ascii: ",")
        guard end <= text.count, text[end - 1] == UInt8(ascii: ")") else { return nil }
        let operation: Operation
        let arguments: Int
        if let opened = grammar.opened(".and", at: end) ?? grammar.opened(".add", at: end) {
            (operation, arguments) = (.conjunction, opened)
        } else if let opened = grammar.opened(".blend", at: end) {
            (operation, arguments) = (.blend, opened)
        } else {
            return nil
        }
        let (options, behind) = grammar.options(at: arguments)
        let closing = grammar.skippingSpace(behind)
        guard closing < text.count, text[closing] == UInt8(ascii: ")") else { return nil }
        return List(
            elements: elements, operation: operation, options: options, arguments: arguments..<closing,
            end: closing + 1)
    }

    /// The weights of a list's parts; all 1 where none is written.
    private func weights(
        _ options: [CompelGrammar.Option], of list: List, parts: Int
    ) throws(PromptError) -> [Double] {
        var weights: [Double] = []
        for option in options {
            guard case .number(let weight, let range) = option else {
                throw PromptError(
                    "a list takes one number for each part, and a blend no_normalize behind them",
                    at: grammar.text.source(option.name ?? list.arguments), in: source)
            }
            guard weight.isFinite else {
                throw PromptError(
                    "this weight is too large to be a number", at: grammar.text.source(range), in: source)
            }
            weights.append(weight)
        }
        guard weights.isEmpty || weights.count == parts else {
            throw PromptError(
                "\(weights.count == 1 ? "1 weight" : "\(weights.count) weights") for \(parts == 1 ? "1 part" : "\(parts) parts"): write one for each, or none",
                at: grammar.text.source(list.arguments), in: source)
        }
        return weights.isEmpty ? Array(repeating: 1, count: parts) : weights
    }
}

extension CompelGrammar.Option {
    /// The word of a flag or of a pair's key.
    var name: Range<Int>? {
        switch self {
        case .flag(let name), .pair(let name, _): name
        case .number: nil
        }
    }
}
