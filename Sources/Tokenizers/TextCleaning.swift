/// What CLIP does to a text before it looks for words: compose, make white space one space, lower the case.
enum TextCleaning {
    /// The cleaned text. The order matters: lower case is taken last and is not composed again.
    static func cleaned(_ text: [UInt32], _ tables: UnicodeText) -> [UInt32] {
        var output: [UInt32] = []
        output.reserveCapacity(text.count)
        var isInSpace = false
        for scalar in CanonicalComposition.composed(text, tables) {
            let property = tables.property(of: scalar)
            if property.kind == .space {
                if !isInSpace {
                    output.append(0x20)
                }
                isInSpace = true
                continue
            }
            isInSpace = false
            if property.hasLowercase {
                output += tables.lowercased(scalar)
            } else {
                output.append(scalar)
            }
        }
        return output
    }
}
