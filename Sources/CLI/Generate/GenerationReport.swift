internal import Generation

/// What `gesso generate` answers: the pictures, and what it took.
struct GenerationReport: Encodable {
    struct Picture: Encodable {
        let path: String
        let seed: UInt64
        let width: Int
        let height: Int
        let receipt: Receipt
        /// The file beside it that holds its latents, where one was asked for.
        let latents: String?

        init(_ painted: Generation.Result.Painted, path: String, latents: String?) {
            self.path = path
            self.latents = latents
            seed = painted.receipt.seed
            width = painted.width
            height = painted.height
            receipt = painted.receipt
        }
    }

    /// The model's path, as it was named or found.
    let model: String
    let pictures: [Picture]
    /// What was done that the request did not literally say.
    let notes: [String]
    /// Wall-clock seconds by stage.
    let seconds: [String: Double]
    /// How many prompts were found encoded, and how many had to be encoded.
    let conditioning: ConditioningCounts

    init(
        model: String, pictures: [Picture], notes: [String], seconds: [Generation.Progress.Stage: Double],
        conditioning: ConditioningCounts
    ) {
        self.conditioning = conditioning
        self.model = model
        self.pictures = pictures
        self.notes = notes
        self.seconds = Dictionary(
            uniqueKeysWithValues: seconds.map { ($0.key.rawValue, ($0.value * 1000).rounded() / 1000) })
    }

    /// Only the paths, one a line: for `--quiet`.
    var paths: String { pictures.map(\.path).joined(separator: "\n") }

    /// For people: a line a picture, the notes, the time.
    var text: String {
        var lines = pictures.map { "\($0.path)  seed \($0.seed)  \($0.width)x\($0.height)" }
        lines += notes.map { "note: \($0)" }
        let stages = Generation.Progress.Stage.allCases.compactMap { stage in
            seconds[stage.rawValue].map {
                "\(Self.names[stage] ?? stage.rawValue) \(Quantity.short($0))"
            }
        }
        let total = Quantity.short(seconds.values.reduce(0, +))
        lines.append("\(total) s: \(stages.joined(separator: ", "))")
        return lines.joined(separator: "\n")
    }

    private static let names: [Generation.Progress.Stage: String] = [.sourcePicture: "source picture"]

    /// What ran how: for `--verbose`.
    var details: String {
        guard let receipt = pictures.first?.receipt else { return "" }
        let stages = receipt.precision.sorted { $0.key < $1.key }.map { stage, precision in
            "\(stage) \(precision.compute)"
                + (precision.storage == precision.compute ? "" : " from \(precision.storage)")
        }
        return """
            model: \(model) (\(receipt.model.family), sha256 \(receipt.model.sha256))
            sampler: \(receipt.sampler), schedule \(receipt.schedule), \(receipt.steps) steps
            device: \(receipt.device), libtorch \(receipt.libtorch)
            precision: \(stages.joined(separator: ", "))
            """
    }
}
