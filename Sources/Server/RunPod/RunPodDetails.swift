internal import Generation

/// What this front writes down with a job, to find it again when the job is done.
struct RunPodDetails: Sendable, Equatable {
    var shape: RunPodShape
    var isInline: Bool
    var isSync: Bool
    var webhook: String?
    /// What addresses of pictures begin with.
    var base: String
    /// Sentences from before the job ran.
    var notes: [String]

    /// As `Job.details` holds it.
    var stored: [String: String] {
        var details = ["shape": shape.rawValue, "base": base]
        if isInline { details["inline"] = "true" }
        if isSync { details["sync"] = "true" }
        if let webhook { details["webhook"] = webhook }
        if !notes.isEmpty { details["notes"] = notes.joined(separator: "\n") }
        return details
    }

    init(
        shape: RunPodShape, isInline: Bool, isSync: Bool, webhook: String?, base: String, notes: [String]
    ) {
        self.shape = shape
        self.isInline = isInline
        self.isSync = isSync
        self.webhook = webhook
        self.base = base
        self.notes = notes
    }

    init(stored details: [String: String]) {
        shape = details["shape"].flatMap(RunPodShape.init) ?? .images
        isInline = details["inline"] == "true"
        isSync = details["sync"] == "true"
        webhook = details["webhook"]
        base = details["base"] ?? ""
        notes = details["notes"].map { $0.split(separator: "\n").map(String.init) } ?? []
    }

    /// How the job's pictures were asked for.
    var wish: RunPodOutput.Wish {
        RunPodOutput.Wish(
            shape: shape, isInline: isInline,
            limit: isSync ? RunPodOutput.largestSyncAnswer : RunPodOutput.largestAnswer, notes: notes)
    }
}
