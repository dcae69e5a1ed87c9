internal import Foundation

/// Tells files of other formats apart by their first bytes, before they are read as safetensors.
enum FileFormat {
    /// Refuses a file that is recognisably something else, with a sentence about it.
    static func requireSafeTensors(_ path: String) throws(CheckpointError) {
        guard !path.hasSuffix(".json") else { return }
        guard Files.isFile(path) else { throw .missing(path: path) }
        let start = try Files.start(of: path, count: 256)
        guard let format = format(start, path) else { return }
        throw .otherFormat(path: path, format: format.name, advice: format.advice)
    }

    private static func format(_ start: Data, _ path: String) -> (name: String, advice: String)? {
        // A header begins with its length and an opening brace; nothing else here does.
        if start.count > 8, start[8] == UInt8(ascii: "{") { return nil }
        for (bytes, name, advice) in signatures where start.starts(with: bytes) { return (name, advice) }
        let pickleNames = [".ckpt", ".pt", ".pth", ".bin"]
        if pickleNames.contains(where: path.lowercased().hasSuffix) {
            return ("a pickled checkpoint", pickleAdvice)
        }
        if start.starts(with: Array("version https://git-lfs".utf8)) {
            return (
                "the pointer that git leaves in place of a large file",
                "Fetch the file itself with git lfs pull."
            )
        }
        let head = String(decoding: start, as: UTF8.self).lowercased()
        if head.hasPrefix("<!doctype") || head.hasPrefix("<html") {
            return ("a web page", "The download probably saved an error or a login page; get the file again.")
        }
        return nil
    }

    private static let pickleAdvice =
        "Pickled weights can run programs and are not read; get the safetensors file of the same model, or convert it."

    private static let signatures: [([UInt8], String, String)] = [
        (Array("PK\u{3}\u{4}".utf8), "a pickled checkpoint or another zip archive", pickleAdvice),
        ([0x80, 0x02], "a pickled checkpoint", pickleAdvice),
        (Array("GGUF".utf8), "a GGUF file", "Get the safetensors file of the same model."),
        ([0x89, 0x50, 0x4E, 0x47], "a PNG picture", "Give a checkpoint."),
        ([0xFF, 0xD8, 0xFF], "a JPEG picture", "Give a checkpoint."),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "Get the safetensors file of the same model."),
        (Array("7z\u{BC}".unicodeScalars.map { UInt8($0.value) }), "a 7z archive", "Unpack it first."),
    ]
}
