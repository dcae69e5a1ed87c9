extension Receipt {
    /// The text that AUTOMATIC1111's web UI writes into pictures and reads back: what others know a picture by.
    package var infotext: String {
        var lines = [prompt]
        if let negativePrompt, !negativePrompt.isEmpty { lines.append("Negative prompt: \(negativePrompt)") }
        var facts: [(String, String)] = [
            ("Steps", "\(steps)"), ("Sampler", samplerTitle), ("Schedule type", scheduleTitle),
        ]
        facts += guidance
        facts += [
            ("Seed", "\(seed)"), ("Size", "\(width)x\(height)"),
            ("Model hash", String(model.sha256.prefix(10))), ("Model", model.name),
        ]
        if let strength { facts.append(("Denoising strength", Self.plain(strength))) }
        // There, clip skip counts layers from the end: what we leave out beyond the usual one, plus one.
        if clipSkip > 0 { facts.append(("Clip skip", "\(clipSkip + 2)")) }
        if guidanceRescale > 0 { facts.append(("CFG Rescale", Self.plain(guidanceRescale))) }
        if let promptDialect { facts.append(("Prompt dialect", promptDialect)) }
        facts.append(("Version", "gesso \(gesso)"))
        lines.append(facts.map { "\($0.0): \(Self.quoted($0.1))" }.joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    /// A distilled scale has a name of its own there; beside it, or without one, CFG is what a negative prompt does.
    private var guidance: [(String, String)] {
        guard model.family == "flux" else { return [("CFG scale", Self.plain(guidanceScale ?? 1))] }
        let distilled = guidanceScale.map { [("Distilled CFG Scale", Self.plain($0))] } ?? []
        return [("CFG scale", Self.plain(trueGuidanceScale ?? 1))] + distilled
    }

    private var samplerTitle: String {
        ["euler": "Euler", "euler-ancestral": "Euler a", "dpm++-2m": "DPM++ 2M", "ddim": "DDIM"][sampler]
            ?? sampler
    }

    private var scheduleTitle: String {
        schedule.contains("karras")
            ? "Karras" : schedule.contains("exponential") ? "Exponential" : "Automatic"
    }

    /// `7` rather than `7.0`.
    private static func plain(_ number: Double) -> String {
        number == number.rounded() && number.magnitude < 1e15 ? "\(Int(number))" : "\(number)"
    }

    /// Values with separators are quoted, as the reader there expects.
    private static func quoted(_ value: String) -> String {
        guard value.contains(where: { ",:\n\"".contains($0) }) else { return value }
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "\n", with: "\\n")
        return "\"\(escaped)\""
    }
}
