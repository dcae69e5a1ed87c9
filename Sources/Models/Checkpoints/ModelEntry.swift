internal import Foundation

/// A model as a list shows it: what it is and whether it can be painted with, from headers and configurations alone.
package struct ModelEntry: Sendable, Equatable, Encodable {
    package var path: String
    /// What people call it: the folder's or file's name, without the ending.
    package var name: String
    package var family: FileFamily
    /// The family as a noun with its article.
    package var what: String
    /// Whether this build can paint with it; if not, ``problem`` says why.
    package var canRun: Bool
    package var problem: String?
    /// All its files on disk.
    package var bytes: Int
    /// Width and height in pixels of the pictures it was trained for; `nil` where its files do not say.
    package var pictureSize: Int?
    package var card: ModelCard?

    /// Looks at what is at `path`. Whatever is wrong with it becomes its ``problem``: a list has a line for everything.
    package init(_ path: String) {
        let path = Files.normalized(path)
        self.path = path
        let last = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        name = last.hasSuffix(".safetensors") ? String(last.dropLast(".safetensors".count)) : last
        bytes = Self.size(of: path)
        card = ModelCard(folder: path)
        do throws(CheckpointError) {
            let summary = try CheckpointSummary(inspecting: ModelPaths(model: path))
            (family, what, canRun, problem) =
                (summary.family, summary.what, summary.canRun, summary.problem)
            if let unet = summary.unet, let vae = summary.vae {
                pictureSize = unet.sampleSize << (vae.blockOutChannels.count - 1)
            }
        } catch {
            family = PipelineFolder.fileFamily(ofFolder: path)
            (what, canRun, problem) = (family.label, false, error.description)
        }
        if pictureSize == nil { pictureSize = Self.pictureSize(ofFolder: path) }
    }

    /// What the autoencoder of a folder without a UNet was trained for, which is all that FLUX's files say.
    private static func pictureSize(ofFolder path: String) -> Int? {
        // What can't be read here is said by the problem.
        guard !Files.isFile(path + "/unet/config.json"),
            let fields = try? ConfigurationFields(reading: path + "/vae/config.json")
        else { return nil }
        return try? fields.optionalInteger("sample_size", in: 1...65_536)
    }

    /// The bytes of a file, or of all files below a folder, hidden ones excepted.
    private static func size(of path: String) -> Int {
        let keys: Set<URLResourceKey> = [.isRegularFileKey, .fileSizeKey]
        let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        guard Files.kind(path) == .folder else {
            // Nothing there has no bytes.
            return (try? url.resourceValues(forKeys: keys))?.fileSize ?? 0
        }
        let files = FileManager.default.enumerator(
            at: url, includingPropertiesForKeys: Array(keys), options: .skipsHiddenFiles)
        var total = 0
        while let file = files?.nextObject() as? URL {
            // A cache of downloads has links in place of files.
            let values = try? file.resolvingSymlinksInPath().resourceValues(forKeys: keys)
            if values?.isRegularFile == true { total += values?.fileSize ?? 0 }
        }
        return total
    }
}

extension PipelineFolder {
    /// The family of a folder by the class in its `model_index.json`; `unknown` where that says nothing known.
    static func fileFamily(ofFolder path: String) -> FileFamily {
        guard let index = try? ConfigurationFields(reading: path + "/model_index.json"),
            let pipeline = try? index.text("_class_name")
        else { return .unknown }
        let families: [(String, FileFamily)] = [
            ("StableDiffusionXLInpaint", .sdxlInpainting), ("StableDiffusionXLInstruct", .sdxlEdit),
            ("StableDiffusionXL", .sdxl), ("StableDiffusion3", .stableDiffusion3), ("Flux2", .flux2),
            ("Flux", .flux), ("Chroma", .chroma), ("StableCascade", .cascade),
        ]
        return families.first { pipeline.hasPrefix($0.0) }?.1 ?? .unknown
    }
}
