internal import Foundation
internal import SafeTensors

/// The schedule of an SDXL file that comes without one: the family's, with what the file says about itself.
struct SDXLScheduler: Equatable {
    /// What the UNet was trained to predict.
    enum Prediction: String {
        case epsilon
        case velocity = "v_prediction"
    }

    var prediction = Prediction.epsilon
    /// Whether the schedule was rescaled to end in pure noise.
    var hasZeroTerminalSNR = false
    /// Whether the file says anything about its prediction.
    var saysPrediction = false
    /// Contradictions and words that are not understood.
    var notes: [String] = []

    /// Keys that say something by being there; their values mean nothing.
    static let markers: Set<String> = ["v_pred", "ztsnr"]

    init() {}

    /// Reads the hints that trainers leave in a file.
    init(hintsOf archive: Archive) {
        hasZeroTerminalSNR = archive["ztsnr"] != nil
        let isMarked = archive["v_pred"] != nil
        if isMarked { prediction = .velocity }
        saysPrediction = isMarked
        var said: (key: String, Prediction)?
        for key in ["modelspec.prediction_type", "modelspec.predict_key"] {
            guard let word = archive.metadata[key], !word.isEmpty else { continue }
            guard let meaning = Self.meaning(of: word) else {
                notes.append("the metadata say \(key) = \"\(word.prefix(40))\", which is not understood")
                continue
            }
            if let said, said.1 != meaning {
                notes.append(
                    "the metadata contradict themselves: \(said.key) and \(key) differ; the first counts")
            }
            said = said ?? (key, meaning)
        }
        guard let said else { return }
        saysPrediction = true
        if isMarked, said.1 == .epsilon {
            notes.append("the file has the key v_pred but \(said.key) says epsilon; the key counts")
        } else {
            prediction = said.1
        }
    }

    /// The configuration as diffusers writes it: SDXL's own, with prediction and spacing in their places.
    ///
    /// A schedule that ends in pure noise needs trailing steps, or the first one would start at its second place.
    var json: [UInt8] {
        let published = FamilyConfiguration.json("sdxl/scheduler/scheduler_config.json")
        do {
            var fields = try JSONDecoder().decode([String: JSONValue].self, from: published)
            fields["prediction_type"] = .text(prediction.rawValue)
            fields["rescale_betas_zero_snr"] = .boolean(hasZeroTerminalSNR)
            fields["timestep_spacing"] = .text(hasZeroTerminalSNR ? "trailing" : "leading")
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try [UInt8](encoder.encode(fields))
        } catch {
            preconditionFailure("the program's own scheduler file: \(error)")
        }
    }

    /// The prediction type that a scheduler configuration asks for; diffusers' default where it says none.
    static func predictionType(in json: [UInt8]) -> String {
        let fields = try? ConfigurationFields(file: "scheduler_config.json", json: Data(json))
        // Whoever runs the schedule reports a broken file; this is only for showing.
        guard case .text(let type)? = fields?["prediction_type"] else { return Prediction.epsilon.rawValue }
        return type
    }

    private static func meaning(of word: String) -> Prediction? {
        switch word.lowercased() {
        case "v", "v_prediction", "v-prediction", "vpred", "v_pred", "velocity": .velocity
        case "epsilon", "eps", "noise": .epsilon
        default: nil
        }
    }
}
