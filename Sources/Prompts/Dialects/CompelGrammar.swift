/// What stands where in a compel prompt: a parsing expression grammar (ordered choice, no going back) over one text.
///
/// The recursive rules are those in brackets. Whether a bracket closes is found for all of them once, from the last to
/// the first, so that every question afterwards is answered by walking on from where the answer is known: no recursion,
/// and each byte is walked over a fixed number of times.
struct CompelGrammar {
    let text: MappedText
    /// For each bracket that closes as a group of fragments: the place behind its closing bracket.
    private var groupEnds: [Int32]
    /// For each bracket that holds what `.swap` puts in: where that ends, and the place behind the closing bracket.
    private var swaps: [Int: (contentEnd: Int, end: Int)] = [:]
    private var quotes: [Quote] = []
    /// For each quotation mark that begins a quotation: its index. Empty where there is none.
    private var quoteIndices: [Int32] = []

    /// A text in quotation marks, read by itself.
    struct Quote {
        /// What is between the marks.
        let content: CompelGrammar
        /// The place behind the closing mark.
        let end: Int
        /// Whether it can be read as fragments, as it must be everywhere but in the list of a blend or a conjunction.
        let isFragments: Bool
        let isBlank: Bool
    }

    /// What a weight or a swap can be given to.
    enum Target {
        case word(Range<Int>)
        case group(Range<Int>)
        case quote(at: Int)
    }

    /// One element of a text, with the place behind it.
    enum Item {
        case target(Target)
        /// A comma or full stop that stands for itself.
        case stop(Int)
        case weighted(Target, Double)
        case swap(Target, replacement: Range<Int>, options: Range<Int>)
        case adapter(name: Range<Int>, weight: Double, whole: Range<Int>)
    }

    init(_ text: MappedText) {
        self.text = text
        groupEnds = Array(repeating: -1, count: text.count)
        findQuotes()
        for index in text.bytes.indices.reversed() where text[index] == UInt8(ascii: "(") {
            if let inner = walk(from: index + 1, withStops: true), inner < text.count,
                text[inner] == UInt8(ascii: ")")
            {
                groupEnds[index] = Int32(inner + 1)
            }
            if endsWithSwap(before: index) {
                findSwap(openedAt: index)
            }
        }
    }

    /// The place behind the white space at `index`.
    func skippingSpace(_ index: Int) -> Int {
        var index = index
        while index < text.count, text[index].isSpace { index += 1 }
        return index
    }

    /// The quotation that the mark at `index` begins.
    func quote(at index: Int) -> Quote? {
        guard index < quoteIndices.count, quoteIndices[index] >= 0 else { return nil }
        return quotes[Int(quoteIndices[index])]
    }

    /// Walks over elements until none matches, and over the white space before what does not.
    private func walk(from start: Int, withStops: Bool) -> Int? {
        var index = start
        while let (_, end) = item(at: index, withStops: withStops) { index = end }
        return skippingSpace(index)
    }

    /// Whether all of the text is fragments.
    private var isFragments: Bool { walk(from: 0, withStops: true) == text.count }
}

// MARK: - Elements

extension CompelGrammar {
    /// The element at `index`, white space before it skipped.
    ///
    /// - Parameter withStops: Whether a comma or full stop may stand for itself.
    func item(at index: Int, withStops: Bool) -> (item: Item, end: Int)? {
        let start = skippingSpace(index)
        guard start < text.count else { return nil }
        if let adapter = self.adapter(at: start) { return adapter }
        if let (target, end) = self.target(at: start) {
            if let weighted = self.weighted(target, end: end) { return weighted }
            if let swap = self.swap(target, end: end) { return swap }
            return (.target(target), end)
        }
        let byte = text[start]
        if withStops, byte == UInt8(ascii: ",") || byte == UInt8(ascii: ".") {
            return (.stop(start), start + 1)
        }
        return nil
    }

    /// A quotation, a group or a word, white space before it skipped.
    func target(at index: Int) -> (target: Target, end: Int)? {
        let start = skippingSpace(index)
        guard start < text.count else { return nil }
        switch text[start] {
        case UInt8(ascii: "\""):
            guard let quote = quote(at: start), quote.isFragments else { return nil }
            return (.quote(at: start), quote.end)
        case UInt8(ascii: "("):
            guard groupEnds[start] >= 0 else { return nil }
            let end = Int(groupEnds[start])
            return (.group(start + 1..<end - 1), end)
        default:
            let end = wordEnd(from: start)
            return end > start ? (.word(start..<end), end) : nil
        }
    }

    /// The end of a word without syntax: escaped signs, signs with something behind them, and what is no sign.
    private func wordEnd(from start: Int) -> Int {
        var index = start
        while index < text.count {
            let byte = text[index]
            let next = index + 1 < text.count ? text[index + 1] : nil
            if byte == UInt8(ascii: "\\"), let next, next.isCompelSign {
                index += 2
            } else if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
                guard let next, !next.isSpace, !next.isCompelSign else { return index }
                index += 1
            } else if byte.isSpace || byte.isCompelSign {
                return index
            } else {
                index += 1
            }
        }
        return index
    }

    /// `target.attend(1.2)`, or the weight directly behind the target; words take signs only.
    private func weighted(_ target: Target, end: Int) -> (item: Item, end: Int)? {
        if let arguments = opened(".attend", at: end) {
            guard let (weight, behind) = self.weight(at: skippingSpace(arguments), numbers: true) else {
                return nil
            }
            let closing = skippingSpace(behind)
            guard closing < text.count, text[closing] == UInt8(ascii: ")") else { return nil }
            return (.weighted(target, weight), closing + 1)
        }
        var numbers = true
        if case .word = target { numbers = false }
        guard let (weight, behind) = self.weight(at: end, numbers: numbers) else { return nil }
        return (.weighted(target, weight), behind)
    }

    private func weight(at start: Int, numbers: Bool) -> (value: Double, end: Int)? {
        guard start < text.count else { return nil }
        let byte = text[start]
        if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
            var end = start + 1
            while end < text.count, text[end] == byte { end += 1 }
            return (CompelGrammar.weight(ofSigns: end - start, isPlus: byte == UInt8(ascii: "+")), end)
        }
        return numbers ? number(at: start) : nil
    }

    /// `target.swap(words, options)`.
    private func swap(_ target: Target, end: Int) -> (item: Item, end: Int)? {
        guard let arguments = opened(".swap", at: end), let swap = swaps[arguments - 1] else { return nil }
        let replacement = arguments..<swap.contentEnd
        return (.swap(target, replacement: replacement, options: swap.contentEnd..<swap.end - 1), swap.end)
    }

    /// `withLora(name, weight)`.
    private func adapter(at start: Int) -> (item: Item, end: Int)? {
        guard let arguments = opened("withLora", at: start) ?? opened("useLora", at: start),
            let name = keyword(at: skippingSpace(arguments))
        else { return nil }
        var end = skippingSpace(name.upperBound)
        var weight = 1.0
        if end < text.count, text[end] == UInt8(ascii: ","),
            let number = self.number(at: skippingSpace(end + 1))
        {
            weight = number.value
            end = skippingSpace(number.end)
        }
        guard end < text.count, text[end] == UInt8(ascii: ")") else { return nil }
        return (.adapter(name: name, weight: weight, whole: start..<end + 1), end + 1)
    }

    /// The place behind `word` and an opening bracket, white space before each skipped.
    func opened(_ word: StaticString, at index: Int) -> Int? {
        let start = skippingSpace(index)
        guard text.has(word, at: start) else { return nil }
        let bracket = skippingSpace(start + word.utf8CodeUnitCount)
        guard bracket < text.count, text[bracket] == UInt8(ascii: "(") else { return nil }
        return bracket + 1
    }

    func keyword(at start: Int) -> Range<Int>? {
        var end = start
        while end < text.count, text[end].isKeyword { end += 1 }
        return end > start ? start..<end : nil
    }

    /// A number: digits with a point somewhere and any sign, or digits with `-` before them.
    func number(at start: Int) -> (value: Double, end: Int)? {
        var index = start
        let isPlus = index < text.count && text[index] == UInt8(ascii: "+")
        if isPlus || (index < text.count && text[index] == UInt8(ascii: "-")) { index += 1 }
        let whole = digitsEnd(from: index)
        var end = whole
        if whole < text.count, text[whole] == UInt8(ascii: ".") {
            let fraction = digitsEnd(from: whole + 1)
            if whole > index || fraction > whole + 1 { end = fraction }
        }
        guard end > index, !isPlus || end > whole else { return nil }
        guard let value = Double(text.string(start..<end)) else { return nil }
        return (value, end)
    }

    private func digitsEnd(from start: Int) -> Int {
        var index = start
        while index < text.count, text[index].isDigit { index += 1 }
        return index
    }
}

// MARK: - Tables

extension CompelGrammar {
    private func endsWithSwap(before bracket: Int) -> Bool {
        var index = bracket
        while index > 0, text[index - 1].isSpace { index -= 1 }
        return index >= 5 && text.has(".swap", at: index - 5)
    }

    /// What is put in by a swap has no commas or full stops of its own; behind a comma stand options.
    private mutating func findSwap(openedAt bracket: Int) {
        guard let contentEnd = walk(from: bracket + 1, withStops: false), contentEnd < text.count else {
            return
        }
        var end = contentEnd
        if text[end] == UInt8(ascii: ",") {
            end = skippingSpace(options(at: end + 1).end)
        }
        guard end < text.count, text[end] == UInt8(ascii: ")") else { return }
        swaps[bracket] = (contentEnd, end + 1)
    }

    /// Quotations end at the next mark that is not escaped; if the line has none, at its last escaped one.
    private mutating func findQuotes() {
        var open: Int?
        var lastEscaped: Int?
        for index in 0...text.count {
            let byte = index < text.count ? text[index] : UInt8(ascii: "\n")
            if byte == UInt8(ascii: "\"") {
                let isEscaped = index > 0 && text[index - 1] == UInt8(ascii: "\\")
                if let start = open {
                    // A backslash in front belongs to the quotation unless it is what stands before its first mark.
                    if isEscaped {
                        lastEscaped = index
                    } else {
                        addQuote(from: start, to: index)
                        open = index
                        lastEscaped = nil
                    }
                } else if !isEscaped {
                    open = index
                }
            } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let start = open, let end = lastEscaped { addQuote(from: start, to: end) }
                open = nil
                lastEscaped = nil
            }
        }
    }

    private mutating func addQuote(from start: Int, to end: Int) {
        var content = MappedText()
        content.end = text.places[end]
        content.reserve(end - start - 1)
        var isBlank = true
        var index = start + 1
        while index < end {
            var byte = text[index]
            let place = text.places[index]
            if byte == UInt8(ascii: "\\"), index + 1 < end, text[index + 1].isSpaceEscape {
                byte = UInt8(ascii: " ")
                index += 1
            }
            content.append(byte, at: place)
            isBlank = isBlank && (byte.isSpace || (byte >= 0x80 || byte < 0x20) && isInPythonSpace(index))
            index += 1
        }
        if quoteIndices.isEmpty { quoteIndices = Array(repeating: -1, count: text.count) }
        quoteIndices[start] = Int32(quotes.count)
        let grammar = CompelGrammar(content)
        quotes.append(
            Quote(
                content: grammar, end: end + 1, isFragments: isBlank || grammar.isFragments, isBlank: isBlank)
        )
    }

    private func isInPythonSpace(_ index: Int) -> Bool {
        var start = index
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return text.scalar(at: start).isPythonSpace
    }
}

// MARK: - Options

extension CompelGrammar {
    /// One of the options in the brackets behind an operator.
    enum Option {
        case number(Double, Range<Int>)
        case flag(Range<Int>)
        /// `key=number`, or `key=word`, whose value is `nil`.
        case pair(key: Range<Int>, value: Double?)
    }

    /// Options separated by commas, up to where none matches.
    func options(at start: Int) -> (options: [Option], end: Int) {
        guard var (option, end) = self.option(at: start) else { return ([], start) }
        var options = [option]
        while true {
            let comma = skippingSpace(end)
            guard comma < text.count, text[comma] == UInt8(ascii: ","), let next = self.option(at: comma + 1)
            else { return (options, end) }
            (option, end) = next
            options.append(option)
        }
    }

    private func option(at index: Int) -> (Option, end: Int)? {
        let start = skippingSpace(index)
        let key = self.keyword(at: start)
        if let key {
            let equals = skippingSpace(key.upperBound)
            if equals < text.count, text[equals] == UInt8(ascii: "=") {
                let value = skippingSpace(equals + 1)
                if let number = self.number(at: value) {
                    return (.pair(key: key, value: number.value), number.end)
                }
                if let word = keyword(at: value) { return (.pair(key: key, value: nil), word.upperBound) }
            }
        }
        if let number = self.number(at: start) {
            return (.number(number.value, start..<number.end), number.end)
        }
        return key.map { (.flag($0), $0.upperBound) }
    }
}

extension UInt8 {
    /// The signs of compel's syntax, which a backslash takes out of it.
    fileprivate var isCompelSign: Bool {
        switch self {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "."),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// The letters that a backslash turns into white space within quotation marks.
    fileprivate var isSpaceEscape: Bool {
        self == UInt8(ascii: "t") || self == UInt8(ascii: "n") || self == UInt8(ascii: "f")
            || self == UInt8(ascii: "r")
    }
}
