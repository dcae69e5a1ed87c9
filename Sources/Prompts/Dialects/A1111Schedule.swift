/// Where a text of the a1111 dialect changes over the steps.
///
/// The grammar: `[from:to:when]`, `[to:when]` and `[a|b|c]` hold any text whose own brackets close and whose colons and
/// bars belong to brackets; a bracket that holds anything else is text, and so are those around it. One pass with a stack
/// finds them; nothing recurses.
struct A1111Schedule: Sendable, Equatable {
    let text: MappedText
    /// By the place of their opening bracket.
    private var changes: [Int: Change] = [:]
    /// What keeps all of the text from being read as a schedule, though it has something that looks like one.
    private(set) var obstacle: Range<Int>?

    /// A stretch of text that is one of several.
    private struct Change: Sendable, Equatable {
        enum Choice: Sendable, Equatable {
            /// The first part up to and at this step, then the second.
            case switching(at: When)
            /// The parts in turn.
            case alternating
        }

        var choice: Choice
        /// Between the brackets; the first one is empty where only what comes later is written.
        var parts: [Range<Int>]
        /// Behind the closing bracket.
        var end: Int

        func part(atStep step: Int, of steps: Int) -> Range<Int> {
            switch choice {
            case .switching(let when): parts[step <= when.lastStep(of: steps) ? 0 : 1]
            case .alternating: parts[(step - 1) % parts.count]
            }
        }
    }

    /// The step at which something switches.
    private struct When: Sendable, Equatable {
        var number: Double
        /// Written with a point: a share of all steps.
        var isShare: Bool

        /// The last step, from 1 on, before the switch; below 1 if it comes before the first.
        func lastStep(of steps: Int) -> Int {
            let step = isShare ? number * Double(steps) : number
            if step >= Double(steps) { return steps }
            return step < 0 ? 0 : Int(step)
        }
    }

    /// A bracket that is open.
    private struct Open {
        var place: Int
        var isSquare: Bool
        var colons: [Int] = []
        var bars: [Int] = []
    }

    init(_ text: MappedText) {
        self.text = text
        guard let obstacle = findChanges() else { return }
        if !changes.isEmpty { self.obstacle = text.source(obstacle..<obstacle + 1) }
        changes = [:]
    }

    var isConstant: Bool { changes.isEmpty }

    /// Steps after which the text may change, ascending, the last being `steps`.
    func lastSteps(of steps: Int) -> [Int] {
        var last: Set<Int> = [steps]
        for change in changes.values {
            guard case .switching(let when) = change.choice else { return Array(1...steps) }
            let step = when.lastStep(of: steps)
            if step >= 1 { last.insert(step) }
        }
        return last.sorted()
    }

    /// The text at a step, the first being 1.
    func text(atStep step: Int, of steps: Int) -> MappedText {
        var result = MappedText()
        result.end = text.end
        var work = [0..<text.count]
        while let stretch = work.popLast() {
            var index = stretch.lowerBound
            while index < stretch.upperBound {
                if text[index] == UInt8(ascii: "["), let change = changes[index] {
                    result.append(stretch.lowerBound..<index, of: text)
                    work.append(change.end..<stretch.upperBound)
                    work.append(change.part(atStep: step, of: steps))
                    break
                }
                index += 1
            }
            if index == stretch.upperBound { result.append(stretch, of: text) }
        }
        return result
    }
}

// MARK: - Reading

extension A1111Schedule {
    /// Finds all changes. A bar outside `[a|b]` and a backslash before nothing belong to no text of this grammar: the
    /// reference then reads the whole text without changes, and this is the place of the first.
    private mutating func findChanges() -> Int? {
        var obstacle: Int?
        func block(_ place: Int) { obstacle = min(obstacle ?? place, place) }
        var open: [Open] = []
        func close(_ brackets: [Open]) {
            for bracket in brackets { if let bar = bracket.bars.first { block(bar) } }
        }
        var index = 0
        while index < text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\\"):
                if index + 1 == text.count || text[index + 1] == UInt8(ascii: "\n") { block(index) }
                index += 1
            case UInt8(ascii: "("), UInt8(ascii: "["):
                open.append(Open(place: index, isSquare: byte == UInt8(ascii: "[")))
            case UInt8(ascii: ":"):
                if !open.isEmpty { open[open.count - 1].colons.append(index) }
            case UInt8(ascii: "|"):
                if open.isEmpty { block(index) } else { open[open.count - 1].bars.append(index) }
            case UInt8(ascii: ")"), UInt8(ascii: "]"):
                guard let bracket = open.last else { break }
                // A bracket that cannot be read is text, and no bracket around it can be read with such text in it.
                if bracket.isSquare == (byte == UInt8(ascii: "]")), add(bracket, closedAt: index) {
                    open.removeLast()
                } else {
                    close(open)
                    open = []
                }
            default: break
            }
            index += 1
        }
        close(open)
        return obstacle
    }

    /// Takes what a bracket holds, if it can be read: as a change, or as a weight, which is read later.
    private mutating func add(_ bracket: Open, closedAt end: Int) -> Bool {
        guard bracket.isSquare else { return bracket.bars.isEmpty && bracket.colons.count <= 1 }
        if !bracket.bars.isEmpty {
            guard bracket.colons.isEmpty else { return false }
            changes[bracket.place] = Change(
                choice: .alternating, parts: parts(from: bracket.place, at: bracket.bars, to: end),
                end: end + 1)
            return true
        }
        guard let last = bracket.colons.last else { return true }
        guard bracket.colons.count <= 2, let when = when(last + 1..<end) else { return false }
        var parts = parts(from: bracket.place, at: bracket.colons, to: end)
        parts.removeLast()
        if parts.count == 1 { parts.insert(bracket.place + 1..<bracket.place + 1, at: 0) }
        changes[bracket.place] = Change(choice: .switching(at: when), parts: parts, end: end + 1)
        return true
    }

    private func parts(from open: Int, at separators: [Int], to end: Int) -> [Range<Int>] {
        var start = open + 1
        var parts: [Range<Int>] = []
        for separator in separators + [end] {
            parts.append(start..<separator)
            start = separator + 1
        }
        return parts
    }

    /// A number with white space around it: a sign, digits with a point somewhere, an exponent.
    private func when(_ range: Range<Int>) -> When? {
        let trimmed = text.trimmed(range)
        var index = trimmed.lowerBound
        func isAt(_ signs: UInt8...) -> Bool { index < trimmed.upperBound && signs.contains(text[index]) }
        func digits() -> Int {
            let start = index
            while index < trimmed.upperBound, text[index].isDigit { index += 1 }
            return index - start
        }
        if isAt(UInt8(ascii: "+"), UInt8(ascii: "-")) { index += 1 }
        var count = digits()
        let isShare = isAt(UInt8(ascii: "."))
        if isShare {
            index += 1
            count += digits()
        }
        guard count > 0 else { return nil }
        if isAt(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            index += 1
            if isAt(UInt8(ascii: "+"), UInt8(ascii: "-")) { index += 1 }
            guard digits() > 0 else { return nil }
        }
        guard index == trimmed.upperBound, let number = Double(text.string(trimmed)) else { return nil }
        return When(number: number, isShare: isShare)
    }
}

extension MappedText {
    /// A stretch without the white space at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while end > start {
            let last = scalar(before: end)
            guard last.isPythonSpace else { break }
            end -= UTF8.width(last)
        }
        while start < end {
            let first = scalar(at: start)
            guard first.isPythonSpace else { break }
            start += UTF8.width(first)
        }
        return start..<end
    }
}
