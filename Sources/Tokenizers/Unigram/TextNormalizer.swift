/// One step, or several, of what a `tokenizer.json` does to a text before it is cut into words.
indirect enum TextNormalizer: Sendable {
    /// One after another.
    case sequence([TextNormalizer])
    /// A compiled character map.
    case map(CharacterMap)
    /// Takes white space away at the start, at the end, or both.
    case strip(left: Bool, right: Bool)
    /// Puts `content` in the place of each occurrence of a text.
    case replace([UInt32], with: [UInt32])
    /// Puts `content` in the place of each run of two spaces or more: the one regular expression that T5's files have.
    case replaceSpaces(with: [UInt32])
    /// Puts a text in front, unless there is nothing it could be in front of.
    case prepend([UInt32])
    case lowercase

    /// How many times as long a text can become, 1 at least: a file from strangers must not fill the memory.
    var growth: Int {
        switch self {
        case .sequence(let steps): steps.reduce(1) { min($0 * $1.growth, 1 << 30) }
        case .map(let map): max(1, map.longestReplacement)
        case .replace(let pattern, let content): max(1, (content.count + pattern.count - 1) / pattern.count)
        case .replaceSpaces(let content), .prepend(let content): max(1, content.count)
        case .strip: 1
        case .lowercase: 2
        }
    }

    /// A text under way.
    struct Text {
        private(set) var scalars: [UInt32]
        /// How many scalars at the front are made of the first one of the text as written: only the word that starts
        /// with one of them counts as the first (`WordCutter.Prefix.first`).
        private(set) var leading = 1
    }

    /// Applies the step.
    func apply(to text: inout Text) {
        switch self {
        case .sequence(let steps):
            for step in steps { step.apply(to: &text) }
        case .map(let map): text.apply(map)
        case .strip(let left, let right): text.strip(left, right)
        case .replace(let pattern, let content):
            text.replace(with: content) { scalars, start in
                scalars[start...].starts(with: pattern) ? pattern.count : 0
            }
        case .replaceSpaces(let content):
            text.replace(with: content) { scalars, start in
                guard scalars[start] == 0x20 else { return 0 }
                let end = scalars[start...].firstIndex { $0 != 0x20 } ?? scalars.endIndex
                return end - start >= 2 ? end - start : 0
            }
        case .prepend(let content): text.prepend(content)
        case .lowercase: text.lowercase()
        }
    }
}

extension TextNormalizer.Text {
    /// Applies a character map as `tokenizers` does: not the longest rule at each place, as sentencepiece does, but to
    /// whole grapheme clusters of less than six bytes the shortest rule that the cluster begins with, which replaces all
    /// of it; and if there is none, or the cluster is longer, to each of its scalars.
    fileprivate mutating func apply(_ map: CharacterMap) {
        var edit = Edit(capacity: scalars.count)
        var bytes: [UInt8] = []
        func replaced(_ range: Range<Int>, _ edit: inout Edit) -> Bool {
            bytes.removeAll(keepingCapacity: true)
            for scalar in scalars[range] { UTF8Text.append(scalar, to: &bytes) }
            guard let match = map.shortestMatch(in: bytes) else { return false }
            let replacement = String(decoding: map.replacement(match), as: UTF8.self)
            edit.replace(range.count, with: replacement.unicodeScalars.map(\.value))
            return true
        }
        var clusters = GraphemeClusters(scalars)
        while let cluster = clusters.next() {
            let size = scalars[cluster].reduce(0) { $0 + UTF8Text.length(of: $1) }
            if size < 6, replaced(cluster, &edit) { continue }
            for index in cluster where !replaced(index..<index + 1, &edit) {
                edit.replace(1, with: [scalars[index]])
            }
        }
        finish(edit)
    }

    fileprivate mutating func lowercase() {
        let tables = UnicodeText.shared
        var edit = Edit(capacity: scalars.count)
        for scalar in scalars {
            let isChanged = tables.property(of: scalar).hasLowercase
            edit.replace(1, with: isChanged ? tables.lowercased(scalar) : [scalar])
        }
        finish(edit)
    }

    private mutating func finish(_ edit: Edit) {
        leading = edit.leading(before: leading)
        scalars = edit.output
    }

    fileprivate mutating func strip(_ left: Bool, _ right: Bool) {
        func isSpace(_ scalar: UInt32) -> Bool { UnicodeText.shared.property(of: scalar).kind == .space }
        if right {
            scalars.removeLast(scalars.reversed().prefix(while: isSpace).count)
        }
        let spaces = left ? scalars.prefix(while: isSpace).count : 0
        scalars.removeFirst(spaces)
        leading = max(0, leading - spaces)
    }

    fileprivate mutating func prepend(_ content: [UInt32]) {
        guard !scalars.isEmpty else { return }
        scalars.insert(contentsOf: content, at: 0)
        leading += leading > 0 ? content.count : 0
    }

    /// Replaces from left to right what `length` finds: the number of scalars of an occurrence at a place, or 0.
    fileprivate mutating func replace(with content: [UInt32], _ length: ([UInt32], Int) -> Int) {
        var output: [UInt32] = []
        output.reserveCapacity(scalars.count)
        var newLeading = 0
        var position = 0
        while position < scalars.count {
            let count = length(scalars, position)
            output += count == 0 ? scalars[position...position] : content[...]
            position += max(count, 1)
            // What replaces several scalars is made of the last of them.
            if position <= leading {
                newLeading = output.count
            }
        }
        scalars = output
        leading = newLeading
    }

    /// Scalars in the place of others, with the reference's account (`NormalizedString::transform`) of what became of
    /// which: it is wrong after a deletion at the front, and the ids depend on it.
    private struct Edit {
        private(set) var output: [UInt32] = []
        /// For each scalar of the output 0 if it stands for the next one of the text, less if it stands for some of those
        /// after it too, more if it was inserted.
        private var changes: [Int] = []

        init(capacity: Int) {
            output.reserveCapacity(capacity)
            changes.reserveCapacity(capacity)
        }

        /// Puts `scalars` in the place of the next `count` of the text.
        mutating func replace(_ count: Int, with scalars: [UInt32]) {
            output += scalars
            changes += scalars.indices.lazy.map { $0 < count ? 0 : 1 }
            if scalars.count < count, !changes.isEmpty {
                changes[changes.count - 1] += scalars.count - count
            }
        }

        /// How many scalars at the front of the output are made of the first `old` of the text.
        func leading(before old: Int) -> Int {
            var place = 0
            for (count, change) in changes.enumerated() {
                // An inserted scalar is made of the one before it.
                guard (change > 0 ? max(place - 1, 0) : place) < old else { return count }
                place += change > 0 ? 0 : 1 - change
            }
            return changes.count
        }
    }
}
