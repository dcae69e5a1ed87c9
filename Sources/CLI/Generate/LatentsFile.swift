internal import Generation
internal import SafeTensors

/// The file beside a picture that holds its latents: for comparing what was painted before the decoder rounds it.
enum LatentsFile {
    private static let ending = ".latents.safetensors"

    /// The picture's path with another ending.
    static func path(beside picture: String) -> String {
        let name = picture.lastIndex(of: "/").map { picture.index(after: $0) } ?? picture.startIndex
        guard let dot = picture[name...].lastIndex(of: "."), dot > name else { return picture + ending }
        return picture[..<dot] + ending
    }

    static func isOne(_ path: String) -> Bool { path.hasSuffix(ending) }

    /// A safetensors file with one tensor, `latents`: `[channels, height, width]` in float32.
    static func bytes(_ latents: Generation.Result.Latents) throws -> [UInt8] {
        let declaration = TensorDeclaration(name: "latents", elementType: .float32, shape: latents.shape)
        let layout = try FileLayout(of: [declaration])
        return layout.header + latents.values.withUnsafeBytes(Array.init)
    }
}
