internal import Models

extension CheckpointSummary {
    /// The summary as people read it.
    var text: String {
        var lines = [path, what + ", " + layout + (predictionType.map { ", predicts \($0)" } ?? "")]
        if let problem { lines.append("can't be painted with: " + problem) }
        lines += ["", partsTable]
        if let sizes { lines += ["", sizes] }
        if !metadata.isEmpty {
            lines += ["", "the file says:"]
            lines += metadata.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        }
        if !unusedKeys.isEmpty {
            let some = unusedKeys.prefix(5).joined(separator: ", ") + (unusedKeys.count > 5 ? ", ..." : "")
            lines += ["", "unused keys: \(unusedKeys.count) (\(some))"]
        }
        if !notes.isEmpty { lines += [""] + notes.map { "note: " + $0 } }
        return lines.joined(separator: "\n")
    }

    private var partsTable: String {
        var table = TextTable(["part", "tensors", "parameters", "size", "types"], numbers: [1, 2, 3])
        for part in parts {
            table.add([
                part.name, "\(part.tensors)", Quantity.count(part.parameters), Quantity.bytes(part.bytes),
                Self.list(part.elementTypes),
            ])
        }
        if parts.count > 1 {
            table.add([
                "all", "\(parts.reduce(0) { $0 + $1.tensors })",
                Quantity.count(parts.reduce(0) { $0 + $1.parameters }),
                Quantity.bytes(parts.reduce(0) { $0 + $1.bytes }), "",
            ])
        }
        return table.text
    }

    /// `F16`, or `F16 1680, F32 12` where there are several.
    private static func list(_ types: [String: Int]) -> String {
        let sorted = types.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return sorted.count == 1
            ? sorted[0].key : sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    /// The few numbers that tell one model's build from another's.
    private var sizes: String? {
        guard let vae, let textEncoder else { return nil }
        let factor = 1 << (vae.blockOutChannels.count - 1)
        if let transformer, let t5 {
            return """
                \(transformer.hasGuidance ? "takes a guidance scale (dev)" : "takes no guidance scale (schnell)"), \
                \(vae.latentChannels) latent channels, \(factor) pixels a latent
                text encoders \(textEncoder.width) (CLIP) and \(t5.width) (T5) wide, \(textEncoder.layers) and \
                \(t5.layers) layers; transformer \(transformer.width) wide, \(transformer.doubleBlocks) double and \
                \(transformer.singleBlocks) single blocks
                """
        }
        guard let unet, let textEncoder2 else { return nil }
        let side = unet.sampleSize * factor
        return """
            trained for \(side)x\(side) pixels, \(vae.latentChannels) latent channels, \(factor) pixels a latent
            text encoders \(textEncoder.width) and \(textEncoder2.width) wide, \(textEncoder.layers) and \
            \(textEncoder2.layers) layers; UNet channels \(unet.blockOutChannels.map(String.init).joined(separator: ", "))
            """
    }
}
