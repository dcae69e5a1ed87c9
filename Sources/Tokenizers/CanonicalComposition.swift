/// Unicode's normalization form C (UAX #15) over scalars, with the tables of `UnicodeText`.
///
/// Time is proportional to the length but for the sorting of marks, also for hostile texts: one letter may carry a
/// hundred thousand marks.
enum CanonicalComposition {
    /// The text in form C.
    static func composed(_ text: [UInt32], _ tables: UnicodeText) -> [UInt32] {
        guard text.contains(where: { tables.property(of: $0).touchesComposition }) else { return text }
        var scalars = decomposed(text, tables)
        sortMarks(&scalars, tables)
        return recomposed(scalars, tables)
    }

    private static func decomposed(_ text: [UInt32], _ tables: UnicodeText) -> [UInt32] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count + text.count / 2)
        for scalar in text {
            if Hangul.syllables.contains(scalar) {
                Hangul.decompose(scalar, into: &scalars)
            } else if tables.property(of: scalar).decomposes {
                scalars += tables.decomposed(scalar)
            } else {
                scalars.append(scalar)
            }
        }
        return scalars
    }

    /// Puts each run of marks in the order of their combining classes, keeping the order of equal ones.
    private static func sortMarks(_ scalars: inout [UInt32], _ tables: UnicodeText) {
        var start = 0
        while start < scalars.count {
            var keys: [UInt64] = []
            var isSorted = true
            var end = start
            while end < scalars.count {
                let scalar = scalars[end]
                let combiningClass = UInt64(tables.property(of: scalar).combiningClass)
                guard combiningClass != 0 else { break }
                // Class, then place: the place keeps the sort stable. A scalar has 21 bits, a class 8.
                let key = combiningClass << 56 | UInt64(end - start) << 21 | UInt64(scalar)
                isSorted = isSorted && (keys.last ?? 0) < key
                keys.append(key)
                end += 1
            }
            if !isSorted {
                keys.sort()
                for (offset, key) in keys.enumerated() {
                    scalars[start + offset] = UInt32(key & 0x1F_FFFF)
                }
            }
            start = end + 1
        }
    }

    private static func recomposed(_ scalars: [UInt32], _ tables: UnicodeText) -> [UInt32] {
        var output: [UInt32] = []
        output.reserveCapacity(scalars.count)
        var starter: Int?
        var lastClass: UInt16 = 0
        for scalar in scalars {
            let property = tables.property(of: scalar)
            if let starter, property.joins {
                // A mark is blocked by one of its own class or higher; a starter by anything in between.
                let isNext = starter == output.count - 1
                let isReachable = isNext || lastClass != 0 && lastClass < property.combiningClass
                if isReachable, let joined = join(output[starter], scalar, tables) {
                    output[starter] = joined
                    continue
                }
            }
            if property.combiningClass == 0 {
                starter = output.count
            }
            lastClass = property.combiningClass
            output.append(scalar)
        }
        return output
    }

    private static func join(_ first: UInt32, _ second: UInt32, _ tables: UnicodeText) -> UInt32? {
        Hangul.compose(first, second) ?? tables.composed(first, second)
    }
}

/// Korean syllables, whose compositions are computed (Unicode standard, section 3.12).
private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
    private static let leads: Range<UInt32> = 0x1100..<0x1113
    private static let vowels: Range<UInt32> = 0x1161..<0x1176
    private static let tails: Range<UInt32> = 0x11A8..<0x11C3

    static func decompose(_ syllable: UInt32, into scalars: inout [UInt32]) {
        let index = syllable - syllables.lowerBound
        scalars.append(leads.lowerBound + index / 588)
        scalars.append(vowels.lowerBound + index % 588 / 28)
        if index % 28 != 0 {
            scalars.append(tails.lowerBound - 1 + index % 28)
        }
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leads.contains(first), vowels.contains(second) {
            let pair = (first - leads.lowerBound) * 21 + second - vowels.lowerBound
            return syllables.lowerBound + pair * 28
        }
        if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, tails.contains(second) {
            return first + second - (tails.lowerBound - 1)
        }
        return nil
    }
}
