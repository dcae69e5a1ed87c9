internal import Foundation
package import Layers

/// The form in which a checkpoint lies on disk.
package enum CheckpointLayout: Sendable, Equatable {
    /// A folder with a sub-folder for each component; `variant` as in `model.fp16.safetensors`.
    case diffusersFolder(variant: String?)
    /// One file with the names of the original implementation.
    case singleFile
    /// A file of the denoiser, with the other components in files or folders of their own.
    case parts
}

extension CheckpointLayout: CustomStringConvertible {
    package var description: String {
        switch self {
        case .diffusersFolder(let variant?): "diffusers folder (\(variant))"
        case .diffusersFolder(nil): "diffusers folder"
        case .singleFile: "single file"
        case .parts: "files of its parts"
        }
    }
}

/// What checkpoints of all families have in common once they are opened.
package protocol OpenedCheckpoint: Sendable {
    /// What was opened.
    var path: String { get }
    /// The folder whose configurations were given apart from the checkpoint.
    var configurationPath: String? { get }
    /// The files beside the weights that say how the picture is computed, each once.
    var configurationFiles: [String] { get }
    /// Each component's weights, in the order in which they run.
    var components: [ComponentWeights] { get }
}

extension OpenedCheckpoint {
    /// The weight files, each once, in the order of the components.
    package var files: [String] {
        components.flatMap(\.files).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// All files that change a picture, with the names by which a receipt lists them: the path below the checkpoint
    /// or below the folder of its configurations, else the file's own name. Wherever the files lie, the names are the
    /// same.
    package var usedFiles: [(name: String, path: String)] {
        let roots = [path, configurationPath].compactMap { $0 }
        let all = files + configurationFiles.filter { !files.contains($0) }
        return all.map { file in
            let root = roots.first { file.hasPrefix($0 + "/") }
            let name =
                root.map { file.dropFirst($0.count + 1) } ?? file.split(separator: "/").last ?? file[...]
            return (String(name), file)
        }
    }

    /// What people call the checkpoint: the folder's or file's name, without the ending.
    package var name: String {
        // Also of `.` and `..`, which are nobody's names.
        let last = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        return last.hasSuffix(".safetensors") ? String(last.dropLast(".safetensors".count)) : last
    }
}
