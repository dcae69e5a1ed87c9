internal import Foundation
internal import SafeTensors

/// The number beside a weight in 8-bit floats, by which its stored numbers are multiplied: how ComfyUI and others
/// keep such weights within the format's range.
struct StoredScale: Equatable {
    let value: Double
    /// The keys that say it, and those beside them that mean nothing when the weights are widened.
    let keys: [String]

    /// Names of the scale, beside a layer's `weight`.
    private static let names = ["scale_weight", "weight_scale"]
    /// For products of 8-bit floats, which are not formed here.
    private static let others = ["scale_input", "input_scale"]
    /// A description of the format in JSON.
    private static let format = "comfy_quant"

    /// Reads the scale of a stored weight; `nil` where it has none.
    /// - Throws: where there is a scale of another kind than one number.
    init?(of weight: String, in archive: Archive) throws(CheckpointError) {
        guard weight.hasSuffix(".weight") else { return nil }
        let layer = weight.dropLast("weight".count)
        let found = Self.names.map { layer + $0 }.filter { archive[$0] != nil }
        guard let key = found.first, let stored = archive[key] else {
            guard archive[layer + Self.format] == nil else {
                throw .mismatch(path: archive.path, reason: "\(weight) has a \(Self.format) and no scale")
            }
            return nil
        }
        if let format = archive[layer + Self.format] {
            let text = format.bytes.prefix(4096)
            guard String(decoding: text, as: UTF8.self).contains("float8_e4m3fn") else {
                throw .mismatch(
                    path: archive.path,
                    reason: "\(weight) is kept in a packed format; only float8_e4m3fn is supported")
            }
        }
        guard let value = Self.number(stored), value.isFinite, value != 0,
            archive[weight]?.entry.elementType == .float8E4M3
                || archive[weight]?.entry.elementType == .float8E5M2
        else {
            throw .mismatch(
                path: archive.path,
                reason: "\(key) is no number by which 8-bit floats are scaled: \(weight) is "
                    + "\(archive[weight]?.entry.elementType.rawValue ?? "absent"), the scale "
                    + "\(stored.entry.elementType.rawValue) \(stored.entry.shape)")
        }
        self.value = value
        keys =
            found + (Self.others + [Self.format]).map { layer + $0 }.filter { archive[$0] != nil }
    }

    /// The one number of a tensor in a floating-point type.
    private static func number(_ stored: StoredTensor) -> Double? {
        guard stored.entry.elementCount == 1 else { return nil }
        let bytes = stored.bytes
        switch stored.entry.elementType {
        case .float32: return Double(bytes.loadUnaligned(as: Float.self))
        case .float64: return bytes.loadUnaligned(as: Double.self)
        case .bfloat16:
            return Double(Float(bitPattern: UInt32(bytes.loadUnaligned(as: UInt16.self)) << 16))
        default: return nil
        }
    }
}
