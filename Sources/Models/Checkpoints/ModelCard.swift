/// What a checkpoint's `README.md` says in a line or two: its first sentence, and what it recommends.
package struct ModelCard: Sendable, Equatable, Encodable {
    /// The first sentence of the first paragraph.
    package var summary: String?
    /// The cell beside "recommended" in a table of the card: "20 steps, guidance scale 3".
    package var recommended: String?

    /// The most bytes of a card that is read; published ones have some thousands.
    static let largestFile = 1 << 20
    /// The most characters of a line that is shown.
    private static let longestLine = 300

    /// Reads a card's Markdown, with or without the block of YAML at its start.
    package init(_ text: String) {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(
            Self.trimmed)[...]
        if lines.first == "---" {
            let end = lines.dropFirst().firstIndex(of: "---") ?? lines.endIndex - 1
            lines = lines[(end + 1)...]
        }
        summary = Self.firstSentence(lines)
        for line in lines where line.hasPrefix("|") {
            let cells = line.split(separator: "|").map(Self.trimmed)
            if cells.count == 2, cells[0].lowercased() == "recommended" {
                recommended = String(cells[1].prefix(Self.longestLine))
            }
        }
    }

    /// The card beside a folder's `model_index.json`; `nil` where there is none that says anything.
    init?(folder: String) {
        let path = folder + "/README.md"
        // A card is a courtesy: one that can't be read, or is too large to be one, is as good as none.
        guard Files.isFile(path), let bytes = try? Files.read(path, atMost: Self.largestFile) else {
            return nil
        }
        self.init(String(decoding: bytes, as: UTF8.self))
        if summary == nil, recommended == nil { return nil }
    }

    /// The first sentence of prose: headings, tables, lists, pictures, quotes, code and HTML are passed over.
    private static func firstSentence(_ lines: ArraySlice<String>) -> String? {
        var paragraph: [String] = []
        var isCode = false
        for line in lines {
            if line.hasPrefix("```") { isCode.toggle() }
            let isProse = !isCode && line.first.map { !"#|-*!>`<[=+".contains($0) } ?? false
            if isProse {
                paragraph.append(line)
            } else if !paragraph.isEmpty {
                break
            }
        }
        guard !paragraph.isEmpty else { return nil }
        let text = paragraph.joined(separator: " ")
        var end = text.endIndex
        for index in text.indices where ".!?".contains(text[index]) {
            let next = text.index(after: index)
            if next == text.endIndex || text[next] == " " {
                end = next
                break
            }
        }
        return String(text[..<end].prefix(longestLine))
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let blanks: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: blanks).reversed().drop(while: blanks).reversed())
    }
}
