internal import Foundation
internal import Generation
internal import Imaging
internal import Server

/// What a picture's file says about itself.
struct PictureFacts: Encodable {
    let path: String
    let format: String
    let width: Int
    let height: Int
    let bytes: Int
    /// How this program painted it; absent for pictures of others.
    let receipt: Receipt?
    /// Every text in the file, the receipt's JSON excepted.
    let texts: [String: String]

    /// - Throws: ``Failure`` for a damaged picture.
    init(_ bytes: [UInt8], path: String) throws(Failure) {
        self.path = path
        self.bytes = bytes.count
        let text: PictureText
        do {
            let size = try PictureCodec.size(of: bytes)
            (width, height, format) = (size.width, size.height, size.format.name)
            text = try PictureCodec.text(in: bytes)
        } catch {
            throw .badRequest("path", "\(path): \(error)")
        }
        // A text of that name that is no receipt is some other program's, and is shown as text.
        let receipt = text[PictureFile.receiptKey].flatMap {
            try? JSONDecoder().decode(Receipt.self, from: Data($0.utf8))
        }
        self.receipt = receipt
        texts = text.entries.reduce(into: [:]) { texts, entry in
            guard receipt == nil || entry.key != PictureFile.receiptKey else { return }
            texts[entry.key] = texts[entry.key] ?? entry.value
        }
    }

    /// For people.
    var text: String {
        var lines = [path, "\(format), \(width)x\(height), \(Quantity.bytes(bytes))"]
        if let receipt { lines += [""] + Self.lines(receipt) }
        for (key, value) in texts.sorted(by: { $0.key < $1.key }) { lines += ["", "\(key):", value] }
        if texts.isEmpty, receipt == nil { lines.append("The file says nothing about how it was made.") }
        return lines.joined(separator: "\n")
    }

    private static func guidance(_ receipt: Receipt) -> String {
        let scale = receipt.guidanceScale.map { "\($0)" } ?? "none"
        guard receipt.model.family != "flux" else {
            return scale + (receipt.trueGuidanceScale.map { ", by a negative prompt \($0)" } ?? "")
        }
        return "\(scale), rescale \(receipt.guidanceRescale)"
    }

    private static func lines(_ receipt: Receipt) -> [String] {
        var facts: [(String, String)] = [
            ("painted by", "gesso \(receipt.gesso), libtorch \(receipt.libtorch), \(receipt.device)"),
            ("model", "\(receipt.model.name) (\(receipt.model.family))"),
            ("model sha256", receipt.model.sha256),
            ("seed", "\(receipt.seed)"),
            ("sampler", "\(receipt.sampler), schedule \(receipt.schedule), \(receipt.steps) steps"),
            ("guidance", Self.guidance(receipt)),
        ]
        if let tokens = receipt.textTokens, let length = receipt.textLength {
            facts.append(("text", "\(tokens) tokens of T5 in a line of \(length)"))
        } else {
            facts.append(("clip skip", "\(receipt.clipSkip)"))
        }
        if let strength = receipt.strength { facts.append(("strength", "\(strength)")) }
        if let source = receipt.sourceSHA256 { facts.append(("source sha256", source)) }
        let precision = receipt.precision.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.compute)" }
        facts.append(("precision", precision.joined(separator: ", ")))
        facts.append(("pixels sha256", receipt.pixelsSHA256))
        facts += receipt.notes.map { ("note", $0) }
        return facts.map { $0.0.padding(toLength: 15, withPad: " ", startingAt: 0) + $0.1 }
    }
}
