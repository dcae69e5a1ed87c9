/// Texts of clients in sentences, and hints at what they may have meant.
package enum Words {
    /// At most 60 characters of a text, in one line, control characters shown as `?`.
    package static func shown(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(60) {
            let isPlain =
                scalar.value >= 0x20 && scalar.value != 0x7F && scalar.properties.generalCategory != .control
            result.unicodeScalars.append(isPlain ? scalar : "?")
        }
        return text.unicodeScalars.count > 60 ? result + "..." : result
    }

    /// `; did you mean 'steps'?`, or nothing where no known name is near.
    package static func hint(_ name: String, among known: some Sequence<String>) -> String {
        let wanted = plain(name)
        guard wanted.count <= 64 else { return "" }
        if let other = synonyms[wanted], known.contains(other) { return "; did you mean '\(other)'?" }
        let nearest = known.map { ($0, distance(wanted, plain($0))) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let nearest, nearest.1 <= max(wanted.count < 4 ? 1 : 2, wanted.count / 3) else { return "" }
        return "; did you mean '\(nearest.0)'?"
    }

    /// Letters and digits alone, so that `negativePrompt` is near `negative_prompt`.
    private static func plain(_ name: String) -> [UInt8] {
        name.utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: nil
            }
        }
    }

    /// What other programs call our fields.
    private static let synonyms: [[UInt8]: String] = Dictionary(
        uniqueKeysWithValues: [
            ("cfgscale", "guidance_scale"), ("cfg", "guidance_scale"), ("guidance", "guidance_scale"),
            ("numinferencesteps", "steps"), ("numimages", "count"), ("numimagesperprompt", "count"),
            ("numoutputs", "count"), ("batchsize", "count"), ("niter", "count"), ("n", "count"),
            ("samplername", "sampler"), ("scheduler", "schedule"), ("denoisingstrength", "strength"),
            ("initimage", "image"), ("initimages", "image"), ("basemodel", "model"), ("checkpoint", "model"),
            ("outputformat", "format"), ("jobid", "id"), ("timeout", "time_limit_seconds"), ("lora", "loras"),
            ("loraconfig", "loras"), ("text", "q"), ("search", "q"), ("query", "q"),
        ].map { (Array($0.0.utf8), $0.1) })

    /// Levenshtein's distance.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
