internal import Foundation
package import Generation
internal import SafeTensors

/// A word that textual inversion taught (Gal et al. 2022): a name, and the vectors that stand in its place.
package struct TextualInversion: Sendable, Equatable {
    /// Which text encoder vectors are for.
    package enum Encoder: String, Sendable, CaseIterable {
        case clipL = "clip_l"
        case clipG = "clip_g"
        case t5 = "t5xxl"
        /// The file does not say; the width does.
        case unnamed
    }

    /// What in a prompt calls it: the file's name without its ending, or the word that the file gives.
    package let name: String
    package let path: String
    package let sha256: String
    /// By encoder: vectors of one width, at least one.
    package let vectors: [Encoder: [[Float]]]

    /// The most vectors that one word may have: what fits into a line.
    package static let mostVectors = 75
    private static let widths = 1...16_384
    private static let largestFile = 64 << 20

    /// Reads one file: `clip_l` and `clip_g` of SDXL (and `t5xxl` beside `clip_l`), or one tensor called `emb_params`, `*`
    /// or by the word itself, `<word>`.
    /// - Throws: ``Failure`` that names the file and what is wrong with it.
    package init(file path: String) throws(Failure) {
        let stem = (path as NSString).lastPathComponent as NSString
        guard stem.pathExtension.lowercased() == "safetensors" else {
            throw Self.refusal(
                path, "is no .safetensors file; .pt and .bin files can run code: convert it first")
        }
        let archive: Archive
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= Self.largestFile else {
                throw Self.refusal(path, "has \(size) bytes, too many for an embedding")
            }
            archive = try Archive(opening: path)
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch let failure as Failure {
            throw failure
        } catch let error as SafeTensorsError {
            throw Failure(.badRequest, "the embedding \(error)", field: "embedding")
        } catch {
            throw Self.refusal(path, "can't be read: \(error.localizedDescription)")
        }
        var name = stem.deletingPathExtension
        var vectors: [Encoder: [[Float]]] = [:]
        let known = Set(["clip_l", "clip_g", "t5xxl"])
        if !archive.names.isEmpty, archive.names.allSatisfy(known.contains) {
            for key in archive.names {
                guard let encoder = Encoder(rawValue: key) else { continue }
                vectors[encoder] = try Self.vectors(key, archive, path)
            }
        } else if archive.names.count == 1, let key = archive.names.first, Self.isWord(key) {
            vectors[.unnamed] = try Self.vectors(key, archive, path)
            if key.hasPrefix("<") { name = key }
        } else {
            let keys = archive.names.sorted().prefix(4).joined(separator: ", ")
            throw Self.refusal(
                path,
                "is of no known layout: it has \(archive.names.isEmpty ? "nothing" : keys); an embedding has clip_l and "
                    + "clip_g, or one tensor emb_params, * or <word>")
        }
        self.name = name
        self.path = path
        self.vectors = vectors
        sha256 = FileHashes.sha256([UInt8](data))
    }

    /// Reads files and folders of files; of a folder every .safetensors file in it.
    /// - Throws: ``Failure``: nothing there, a file that is none, two of one name.
    package static func load(_ paths: [String]) throws(Failure) -> [TextualInversion] {
        var found: [TextualInversion] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw refusal(path, "is not there")
            }
            guard isFolder.boolValue else {
                found.append(try TextualInversion(file: path))
                continue
            }
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            } catch {
                throw refusal(path, "can't be read: \(error.localizedDescription)")
            }
            let files = names.filter { $0.hasSuffix(".safetensors") }
            guard !files.isEmpty else { throw refusal(path, "has no .safetensors file in it") }
            for file in files { found.append(try TextualInversion(file: path + "/" + file)) }
        }
        var paths: [String: String] = [:]
        for embedding in found {
            if let other = paths.updateValue(embedding.path, forKey: embedding.name.lowercased()) {
                throw refusal(embedding.path, "has the name \(embedding.name), which \(other) has too")
            }
        }
        return found
    }

    /// Which vectors each of a family's encoders takes.
    /// - Parameters:
    ///   - encoders: What the file may call an encoder, its component, and its width.
    ///   - owner: Whose encoders they are, for errors.
    /// - Returns: In the order of `encoders`; nil for one that reads the word as text.
    /// - Throws: ``Failure`` for vectors that no encoder can take.
    func vectors(
        for encoders: [(key: Encoder, component: String, width: Int)], of owner: String
    ) throws(Failure) -> [[[Float]]?] {
        var taken: [[[Float]]?] = encoders.map { _ in nil }
        for (key, vectors) in vectors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let width = vectors[0].count
            let wanted = encoders.map { "\($0.width) for \($0.component)" }.joined(separator: ", ")
            if key == .unnamed {
                guard let index = encoders.firstIndex(where: { $0.width == width }) else {
                    throw Self.refusal(
                        path,
                        "has vectors of \(width) numbers; \(owner) takes \(wanted): it is for another model")
                }
                taken[index] = vectors
            } else {
                guard let index = encoders.firstIndex(where: { $0.key == key }) else {
                    throw Self.refusal(
                        path,
                        "has vectors for \(key.rawValue), which \(owner) does not have: it is for another model"
                    )
                }
                guard encoders[index].width == width else {
                    throw Self.refusal(
                        path,
                        "has vectors of \(width) numbers for \(key.rawValue); \(owner) takes \(wanted): it is "
                            + "for another model")
                }
                taken[index] = vectors
            }
        }
        return taken
    }

    private static func isWord(_ key: String) -> Bool {
        ["emb_params", "*", "string_to_param.*"].contains(key)
            || key.hasPrefix("<") && key.hasSuffix(">") && key.count > 2
    }

    private static func vectors(
        _ key: String, _ archive: Archive, _ path: String
    ) throws(Failure) -> [[Float]] {
        guard let stored = archive[key] else { throw refusal(path, "has no \(key)") }
        let shape = stored.entry.shape
        guard let width = shape.last, (1...2).contains(shape.count) else {
            throw refusal(path, "has a \(key) of shape \(shape); it must be [vectors, width]")
        }
        let count = shape.count == 1 ? 1 : shape[0]
        guard widths.contains(width), (1...mostVectors).contains(count) else {
            throw refusal(
                path,
                "has a \(key) of shape \(shape); 1 to \(mostVectors) vectors are taken, of up to "
                    + "\(widths.upperBound) numbers")
        }
        guard let values = stored.floats else {
            throw refusal(
                path, "has a \(key) of \(stored.entry.elementType.rawValue); F32, F16 and BF16 are read")
        }
        guard values.allSatisfy(\.isFinite) else { throw refusal(path, "has a \(key) that is not finite") }
        return (0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }

    private static func refusal(_ path: String, _ reason: String) -> Failure {
        .badRequest("embedding", "the embedding \(path) \(reason)")
    }
}

extension StoredTensor {
    /// The numbers of a small tensor of 16 or 32 bits each; nil for other types.
    fileprivate var floats: [Float]? {
        let bytes = withBytes { span in
            (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        func words() -> [UInt16] {
            stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
        }
        switch entry.elementType {
        case .float32:
            return stride(from: 0, to: bytes.count, by: 4).map { start in
                Float(
                    bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) })
            }
        case .float16:
            return words().map(Self.float(half:))
        case .bfloat16: return words().map { Float(bitPattern: UInt32($0) << 16) }
        default: return nil
        }
    }

    /// A 16-bit float's value (IEEE 754-2008 binary16).
    private static func float(half bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Float(bits & 0x3FF)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }
}
