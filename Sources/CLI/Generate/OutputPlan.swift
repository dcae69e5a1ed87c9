internal import Foundation
internal import Generation
internal import Imaging

/// Where pictures go and in which format: decided and checked before anything is loaded.
///
/// | `--output` | files | a file that is there |
/// | --- | --- | --- |
/// | not given | `gesso-{seed}.png` in the working folder | stays; the new one gets `-2`, `-3` ... |
/// | a folder, or a path that ends in `/` | the same in that folder | stays |
/// | a file | that file; of several pictures `NAME-1.png`, `NAME-2.png` ... | is replaced |
struct OutputPlan: Equatable, Sendable {
    /// The folder as typed with a `/` at its end; empty for the working folder.
    let folder: String
    /// The file's name, in which `{seed}` and `{index}` stand for the picture's own.
    let template: String
    let format: PictureFormat
    /// Whether a file of the same name is replaced. A name that nobody chose replaces nothing.
    let replaces: Bool

    /// - Parameters:
    ///   - output: What was typed.
    ///   - format: What was typed.
    ///   - isFolder: Whether a folder is at a path.
    init(
        output: String?, format: PictureFormat?, count: Int, isFolder: (String) -> Bool
    ) throws(Failure) {
        if let output, output.isEmpty || output == "-" || output.utf8.contains(0) {
            throw .badRequest(
                "output", "'\(output)' is no file name; pictures are written to files and folders")
        }
        guard let output, !output.hasSuffix("/"), !isFolder(output) else {
            let folder = output ?? ""
            self.folder = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
            self.format = format ?? .png
            template = "gesso-{seed}." + self.format.fileExtension
            replaces = false
            return
        }
        let slash = output.lastIndex(of: "/").map { output.index(after: $0) } ?? output.startIndex
        folder = String(output[..<slash])
        let name = String(output[slash...])
        self.format = try Self.format(of: name, asked: format)
        let isDistinct = count == 1 || name.contains("{index}") || name.contains("{seed}")
        template = isDistinct ? name : Self.insert("-{index}", into: name)
        replaces = true
    }

    /// Each picture's path, as typed, in the order of the seeds.
    func paths(seed: UInt64, count: Int) -> [String] {
        (0..<count).map { index in
            folder
                + template.replacing("{seed}", with: "\(seed &+ UInt64(index))")
                .replacing("{index}", with: "\(index + 1)")
        }
    }

    /// The path with a number at its end, where the path itself is taken.
    static func numbered(_ path: String, _ number: Int) -> String { insert("-\(number)", into: path) }

    /// Puts text before the ending that names a format, or at the end where there is none.
    private static func insert(_ text: String, into name: String) -> String {
        guard let dot = name.lastIndex(of: "."), PictureFormat(fileExtension: String(name[dot...])) != nil
        else {
            return name + text
        }
        return name[..<dot] + text + name[dot...]
    }

    /// The format that was asked for, else the one that the name's ending says, else PNG.
    private static func format(of name: String, asked: PictureFormat?) throws(Failure) -> PictureFormat {
        let ending = name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? ""
        let said = PictureFormat(fileExtension: ending)
        if let asked, let said, asked != said {
            throw .badRequest(
                "format", "the output's name '\(name)' says \(said.name), --format says \(asked.name)")
        }
        // Whoever types one of these wants that format, not PNG under its name.
        let others = [
            "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl", "jp2", "svg", "pdf", "psd", "ppm", "exr",
        ]
        if asked == nil, others.contains(ending.lowercased()) {
            throw .badRequest("output", "'\(name)': \(ending) is not written; png, jpeg and webp are")
        }
        return asked ?? said ?? .png
    }
}

extension OutputPlan {
    /// Checks what the disk says: the folder is there and can be written to, and no name stands for anything but a file.
    func check(_ paths: [String], in surroundings: Surroundings) throws(Failure) {
        let typed = folder.isEmpty ? "." : folder
        let folder = surroundings.resolve(folder)
        var facts = stat()
        guard stat(folder, &facts) == 0 else {
            throw .badRequest(
                "output", "the output folder '\(typed)' \(Self.reason(errno, ENOENT, "does not exist"))")
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            throw .badRequest("output", "the output folder '\(typed)' is no folder")
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw .badRequest(
                "output", "the output folder '\(typed)' can't be written to: \(Self.reason(errno))")
        }
        for path in paths {
            if stat(surroundings.resolve(path), &facts) == 0 {
                guard !replaces || facts.st_mode & S_IFMT == S_IFREG else {
                    throw .badRequest("output", "the output '\(path)' is there already and is no file")
                }
            } else if errno != ENOENT {
                throw .badRequest("output", "the output '\(path)' can't be written: \(Self.reason(errno))")
            }
        }
    }

    private static func reason(_ number: Int32, _ known: Int32 = 0, _ words: String = "") -> String {
        number == known && number != 0 ? words : String(cString: strerror(number))
    }
}
