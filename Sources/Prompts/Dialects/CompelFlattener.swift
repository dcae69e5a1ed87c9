/// Turns what ``CompelGrammar`` finds into fragments with their weights multiplied out, without recursion.
struct CompelFlattener {
    /// The whole prompt, for errors.
    let source: String
    private(set) var adapters: [AdapterMention] = []
    private var noted: [NoteKind: PromptNote] = [:]
    /// The fragments of the text that is being flattened.
    private var pieces: [Piece] = []
    /// Whether the next piece is not joined with the last one: a swap begins or ends between them.
    private var separates = false
    private var work: [Work] = []

    init(source: String) { self.source = source }

    /// A fragment before neighbours of the same weight are joined.
    private struct Piece {
        var text: [UInt8]
        var weight: Double
        var range: Range<Int>
        var joins: Bool
    }

    /// What is still to be read.
    private enum Work {
        case stretch(CompelGrammar, Range<Int>, weight: Double, isPrompt: Bool)
        /// What a swap puts in: only adapters are taken from it.
        case adapters(CompelGrammar, Range<Int>)
        /// The end of what a swap takes out; if that is nothing, it is one empty fragment.
        case swapEnd(piecesBefore: Int, place: Int, weight: Double)
    }

    private enum NoteKind: Hashable {
        case bracket, quotation, foreignWeight, operation, swap
    }

    /// Notes on what was flattened, in the order of the text; each kind once, at its first place.
    var notes: [PromptNote] {
        noted.values.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// The place of the first swap that was flattened.
    var firstSwap: Range<Int>? { noted[.swap]?.range }

    /// The fragments of a stretch of a text, or none if there is nothing in it to encode.
    ///
    /// - Parameter isPrompt: Whether it may hold anything. In a prompt, what is no element is a word up to the next white
    ///   space; elsewhere all is elements, as the grammar has made sure.
    mutating func flatten(
        _ grammar: CompelGrammar, _ stretch: Range<Int>, isPrompt: Bool
    ) throws(PromptError) -> WeightedText {
        try flatten(.stretch(grammar, stretch, weight: 1, isPrompt: isPrompt))
    }

    /// The fragments of an element of a list.
    mutating func flatten(
        _ grammar: CompelGrammar, _ target: CompelGrammar.Target
    ) throws(PromptError) -> WeightedText {
        if case .quote(let mark) = target, let quote = grammar.quote(at: mark), !quote.isFragments {
            return try flatten(quote.content, 0..<quote.content.text.count, isPrompt: true)
        }
        read(target, of: grammar, weight: 1)
        return try flatten(nil)
    }

    private mutating func flatten(_ first: Work?) throws(PromptError) -> WeightedText {
        if let first { work.append(first) }
        while let next = work.popLast() {
            switch next {
            case .stretch(let grammar, let stretch, let weight, let isPrompt):
                try readElement(of: grammar, stretch, weight: weight, isPrompt: isPrompt)
            case .adapters(let grammar, let stretch):
                try collectAdapters(of: grammar, stretch)
            case .swapEnd(let count, let place, let weight):
                if pieces.count == count { append([], weight: weight, at: place..<place) }
                separates = true
            }
        }
        defer {
            pieces = []
            separates = false
        }
        return WeightedText(fragments: joined())
    }
}

// MARK: - Reading

extension CompelFlattener {
    private mutating func readElement(
        of grammar: CompelGrammar, _ stretch: Range<Int>, weight: Double, isPrompt: Bool
    ) throws(PromptError) {
        let start = grammar.skippingSpace(stretch.lowerBound)
        guard start < stretch.upperBound,
            let (item, end) = element(of: grammar, from: start, isPrompt: isPrompt)
        else { return }
        work.append(.stretch(grammar, end..<max(end, stretch.upperBound), weight: weight, isPrompt: isPrompt))
        switch item {
        case .target(let target):
            noteForeignWeight(target, of: grammar)
            read(target, of: grammar, weight: weight)
        case .stop(let place):
            append([grammar.text[place]], weight: weight, at: grammar.text.source(place..<place + 1))
        case .weighted(let target, let factor):
            let product = weight * factor
            guard product.isFinite else {
                throw PromptError(
                    "this weight, multiplied with those around it, is too large to be a number; write a smaller one",
                    at: grammar.text.source(start..<end), in: source)
            }
            read(target, of: grammar, weight: product)
        case .adapter(let name, let strength, let whole):
            try add(name, strength, at: whole, of: grammar)
        case .swap(let target, let replacement, let options):
            try checkOptions(options, of: grammar)
            note(
                .swap,
                "'.swap' needs control of the attention, which there is none of here: the original is painted",
                at: grammar.text.source(start..<end))
            let place = grammar.text.source(start..<end).lowerBound
            work.append(.adapters(grammar, replacement))
            work.append(.swapEnd(piecesBefore: pieces.count, place: place, weight: weight))
            separates = true
            read(target, of: grammar, weight: weight)
        }
    }

    /// The next element; in a prompt a word holds everything up to the next white space.
    private mutating func element(
        of grammar: CompelGrammar, from start: Int, isPrompt: Bool
    ) -> (item: CompelGrammar.Item, end: Int)? {
        let item = grammar.item(at: start, withStops: !isPrompt)
        guard isPrompt else { return item }
        if let item {
            if case .target(.word) = item.item {} else { return item }
        }
        var end = start
        while end < grammar.text.count, !grammar.text[end].isSpace { end += 1 }
        noteSyntaxReadAsText(start..<end, of: grammar)
        return (.target(.word(start..<end)), end)
    }

    private mutating func read(_ target: CompelGrammar.Target, of grammar: CompelGrammar, weight: Double) {
        switch target {
        case .word(let range):
            append(Array(grammar.text.bytes[range]), weight: weight, at: grammar.text.source(range))
        case .group(let content):
            work.append(.stretch(grammar, content, weight: weight, isPrompt: false))
        case .quote(let mark):
            guard let quote = grammar.quote(at: mark) else { return }
            let content = quote.content.text
            if quote.isBlank {
                append([], weight: weight, at: content.source(0..<content.count))
            } else {
                work.append(.stretch(quote.content, 0..<content.count, weight: weight, isPrompt: false))
            }
        }
    }

    private mutating func append(_ text: [UInt8], weight: Double, at range: Range<Int>) {
        pieces.append(Piece(text: text, weight: weight, range: range, joins: !separates))
        separates = false
    }

    private mutating func collectAdapters(
        of grammar: CompelGrammar, _ stretch: Range<Int>
    ) throws(PromptError) {
        guard let (item, end) = grammar.item(at: stretch.lowerBound, withStops: true),
            end <= stretch.upperBound
        else { return }
        work.append(.adapters(grammar, end..<stretch.upperBound))
        switch item {
        case .target(let target), .weighted(let target, _), .swap(let target, _, _):
            if case .swap(_, let replacement, _) = item { work.append(.adapters(grammar, replacement)) }
            switch target {
            case .word: break
            case .group(let content): work.append(.adapters(grammar, content))
            case .quote(let mark):
                guard let content = grammar.quote(at: mark)?.content else { return }
                work.append(.adapters(content, 0..<content.text.count))
            }
        case .adapter(let name, let strength, let whole): try add(name, strength, at: whole, of: grammar)
        case .stop: break
        }
    }

    /// Takes an adapter that is mentioned at `whole`.
    mutating func add(
        _ name: Range<Int>, _ strength: Double, at whole: Range<Int>, of grammar: CompelGrammar
    ) throws(PromptError) {
        let range = grammar.text.source(whole)
        guard strength.isFinite else {
            throw PromptError("this adapter's weight is too large to be a number", at: range, in: source)
        }
        adapters.append(
            AdapterMention(
                kind: "lora", name: grammar.text.string(name), textWeight: strength, denoiserWeight: strength,
                range: range))
    }

    private func checkOptions(_ stretch: Range<Int>, of grammar: CompelGrammar) throws(PromptError) {
        guard stretch.lowerBound < stretch.upperBound else { return }
        var wrong: Range<Int>?
        for option in grammar.options(at: stretch.lowerBound + 1).options {
            switch option {
            case .flag(let key), .pair(let key, nil):
                if grammar.text.string(key) == "shape_freedom" { wrong = key }
            case .pair(let key, .some):
                if grammar.text.string(key) == "shape_freedom" { wrong = nil }
            case .number: break
            }
        }
        if let wrong {
            throw PromptError(
                "'shape_freedom' takes a number: write shape_freedom=0.5", at: grammar.text.source(wrong),
                in: source)
        }
    }
}

// MARK: - Joining

extension CompelFlattener {
    /// Neighbours of one weight become one fragment, with a space between.
    private func joined() -> [Fragment] {
        var fragments: [Fragment] = []
        var start = 0
        while start < pieces.count {
            var end = start + 1
            while end < pieces.count, pieces[end].joins, pieces[end].weight == pieces[start].weight {
                end += 1
            }
            fragments.append(joined(pieces[start..<end]))
            start = end
        }
        return fragments
    }

    private func joined(_ run: ArraySlice<Piece>) -> Fragment {
        var text: [UInt8] = []
        for index in run.indices {
            if index > run.startIndex { text.append(UInt8(ascii: " ")) }
            // The reference takes a backslash away before each bracket and quotation mark whenever it makes a fragment
            // anew: when it reads, when it multiplies the weight in, and once for each neighbour that is joined.
            let joins = run.count - max(1, index - run.startIndex)
            CompelFlattener.append(run[index].text, unescaped: 2 + joins, to: &text)
        }
        let lower = run.first?.range.lowerBound ?? 0
        return Fragment(
            text: String(decoding: text, as: UTF8.self), weight: run.first?.weight ?? 1,
            range: lower..<max(lower, run.last?.range.upperBound ?? lower))
    }

    /// Appends `bytes`, up to `count` backslashes left out before each bracket or quotation mark.
    private static func append(_ bytes: [UInt8], unescaped count: Int, to text: inout [UInt8]) {
        var backslashes = 0
        for byte in bytes {
            if byte == UInt8(ascii: "\\") {
                backslashes += 1
            } else {
                let isEscapable =
                    byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "\"")
                if isEscapable { text.removeLast(min(backslashes, count)) }
                backslashes = 0
            }
            text.append(byte)
        }
    }
}

// MARK: - Notes

extension CompelFlattener {
    private mutating func note(_ kind: NoteKind, _ text: String, at range: Range<Int>) {
        if noted[kind] == nil { noted[kind] = PromptNote(text: text, range: range) }
    }

    private mutating func noteSyntaxReadAsText(_ word: Range<Int>, of grammar: CompelGrammar) {
        if [".blend(", ".and(", ".add("].contains(where: { grammar.text.has($0, at: word.lowerBound) }) {
            note(
                .operation,
                "this is read as text: an operator stands behind one list in brackets, which is the whole prompt",
                at: grammar.text.source(word))
            return
        }
        guard noted[.bracket] == nil || noted[.quotation] == nil else { return }
        for index in word where index == word.lowerBound || grammar.text[index - 1] != UInt8(ascii: "\\") {
            switch grammar.text[index] {
            case UInt8(ascii: "("), UInt8(ascii: ")"):
                note(
                    .bracket,
                    "this bracket is read as text: it has no partner, stands inside a word, or what is inside cannot be read",
                    at: grammar.text.source(index..<index + 1))
            case UInt8(ascii: "\""):
                note(
                    .quotation,
                    "this quotation mark is read as text: it has no partner, stands inside a word, or what is inside cannot be read",
                    at: grammar.text.source(index..<index + 1))
            default: break
            }
        }
    }

    /// `(word:1.3)` gives a weight in a1111 and none here.
    private mutating func noteForeignWeight(_ target: CompelGrammar.Target, of grammar: CompelGrammar) {
        guard case .group(let content) = target, noted[.foreignWeight] == nil else { return }
        var index = content.upperBound
        while index > content.lowerBound,
            grammar.text[index - 1].isDigit || grammar.text[index - 1] == UInt8(ascii: ".")
        {
            index -= 1
        }
        guard index < content.upperBound, index > content.lowerBound,
            grammar.text[index - 1] == UInt8(ascii: ":")
        else { return }
        note(
            .foreignWeight,
            "a number behind a colon is text under compel: write (words)1.3, or choose the dialect a1111",
            at: grammar.text.source(index - 1..<content.upperBound))
    }
}
