/// A report as lines and tables, for a terminal or as Markdown.
struct ReportDocument {
    enum Block {
        case title(String)
        case heading(String)
        case lines([String])
        case table(TextTable)
    }

    var blocks: [Block] = []

    /// For a terminal.
    var text: String {
        blocks.map { block in
            switch block {
            case .title(let text): text
            case .heading(let text): "\n" + text
            case .lines(let lines): lines.joined(separator: "\n")
            case .table(let table): table.text
            }
        }.joined(separator: "\n")
    }

    var markdown: String {
        blocks.map { block in
            switch block {
            case .title(let text): "# " + text
            case .heading(let text): "## " + text
            case .lines(let lines): lines.map { "- " + $0 }.joined(separator: "\n")
            case .table(let table): table.markdown
            }
        }.joined(separator: "\n\n")
    }
}
