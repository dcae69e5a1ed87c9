internal import Generation

/// What this front writes down with a job, to find it again when the job is done.
struct RunPodDetails: Sendable, Equatable {
    var shape: RunPodShape
    var delivery: RunPodDelivery
    /// Whether this server gives its pictures to anybody: it has no keys.
    var isOpen: Bool
    var isSync: Bool
    var webhook: String?
    /// What addresses of pictures begin with.
    var base: String
    /// Sentences from before the job ran.
    var notes: [String]

    /// As `Job.details` holds it.
    var stored: [String: String] {
        var details = ["shape": shape.rawValue, "base": base]
        if delivery != .automatic { details["delivery"] = delivery.rawValue }
        if isOpen { details["open"] = "true" }
        if isSync { details["sync"] = "true" }
        if let webhook { details["webhook"] = webhook }
        if !notes.isEmpty { details["notes"] = notes.joined(separator: "\n") }
        return details
    }

    init(
        shape: RunPodShape, delivery: RunPodDelivery, isOpen: Bool, isSync: Bool, webhook: String?,
        base: String, notes: [String]
    ) {
        self.shape = shape
        self.delivery = delivery
        self.isOpen = isOpen
        self.isSync = isSync
        self.webhook = webhook
        self.base = base
        self.notes = notes
    }

    init(stored details: [String: String]) {
        shape = details["shape"].flatMap(RunPodShape.init) ?? .images
        delivery = details["delivery"].flatMap(RunPodDelivery.init) ?? .automatic
        isOpen = details["open"] == "true"
        isSync = details["sync"] == "true"
        webhook = details["webhook"]
        base = details["base"] ?? ""
        notes = details["notes"].map { $0.split(separator: "\n").map(String.init) } ?? []
    }

    /// How the job's pictures were asked for.
    var wish: RunPodOutput.Wish {
        RunPodOutput.Wish(
            shape: shape, delivery: delivery, hasOpenAddresses: isOpen,
            limit: isSync ? RunPodOutput.largestSyncAnswer : RunPodOutput.largestAnswer, notes: notes)
    }
}
