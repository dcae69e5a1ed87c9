extension Diagnosis {
    /// The diagnosis as people read it.
    var text: String {
        var rows: [(String, String)] = [("gesso", gesso)]
        rows += libraryRows
        rows.append(("processor", processorText))
        rows.append(("memory", memoryAvailableBytes.map { Quantity.bytes($0) + " free" } ?? "not known"))
        rows += cards.map { card in
            (card.device, "\(Quantity.bytes(card.freeBytes)) free of \(Quantity.bytes(card.totalBytes))")
        }
        if cards.isEmpty { rows.append(("CUDA", hasNVIDIADriver ? "a card, not usable" : "none")) }
        rows.append(("disk", Self.text(workingFolder)))
        rows.append(("cache", cacheFolder.map(Self.text) ?? "none: HOME is not set"))
        rows.append(("model", defaultModel.map { "\($0), where --model is not given" } ?? "none by default"))
        rows += models.filter { $0 != defaultModel }.map { ("", $0) }
        var last = ""
        let lines = rows.map { name, value in
            defer { last = name }
            return (name == last ? "" : name).padded(to: 11) + value
        }
        return (lines + [""] + conclusion).joined(separator: "\n")
    }

    private var libraryRows: [(String, String)] {
        var rows: [(String, String)] = []
        if let libtorch {
            rows.append(("libtorch", "\(libtorch.path) (\(libtorch.origin))"))
            let threads = libtorch.threads.map { ", \($0) thread\($0 == 1 ? "" : "s")" } ?? ""
            rows.append(
                (
                    "libtorch",
                    "version \(libtorch.version) for \(libtorch.supportsCUDA ? "CUDA" : "CPUs"), opened in "
                        + "\(Quantity.decimal(libtorch.openSeconds, 2)) s\(threads)"
                ))
        }
        rows += candidates.filter { $0.path != libtorch?.path }.map { candidate in
            let state = candidate.problem ?? "not used" + (candidate.version.map { ", version \($0)" } ?? "")
            return (
                libtorch == nil ? "libtorch" : "also seen",
                "\(candidate.path) (\(candidate.origin)): \(state)"
            )
        }
        return rows.isEmpty ? [("libtorch", "not found")] : rows
    }

    private var processorText: String {
        let cores = "\(processor.cores) core\(processor.cores == 1 ? "" : "s")"
        let features =
            processor.features.isEmpty ? "none of avx2, avx512" : processor.features.joined(separator: " ")
        return [processor.name, cores, features].compactMap(\.self).joined(separator: ", ")
    }

    private static func text(_ folder: Folder) -> String {
        let free = folder.freeBytes.map { Quantity.bytes($0) + " free in " } ?? ""
        return free + folder.path + (folder.isWritable ? "" : ", which can't be written to")
    }

    private var conclusion: [String] {
        let ordered = problems.filter(\.isBlocking) + problems.filter { !$0.isBlocking }
        let lines = ordered.flatMap { problem in
            [(problem.isBlocking ? "missing: " : "note: ") + problem.what, "    to do: " + problem.fix]
        }
        return lines + [canGenerate ? "This machine can paint." : "This machine can't paint yet."]
    }
}

extension String {
    /// With blanks at its end up to a number of characters.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - count, 0))
    }
}
