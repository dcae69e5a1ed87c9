internal import Foundation

/// A place where libtorch may be, found without opening anything.
package struct LibraryCandidate: Sendable, Equatable {
    /// The file to open.
    package let path: String
    /// Where it was found, in words: `GESSO_LIBTORCH`, a Python environment ...
    package let origin: String
    /// The version beside it in a Python package, or in the project's folder; nil when nothing says.
    package let version: String?
    /// Why it can't be used; nil when it looks usable.
    package let problem: String?

    /// Every candidate in the order in which they are tried.
    ///
    /// A path in `GESSO_LIBTORCH` stands alone: whoever names a library wants that one or an error.
    package static func all(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        executable: String? = executablePath()
    ) -> [LibraryCandidate] {
        if let named = environment["GESSO_LIBTORCH"], !named.isEmpty {
            return [at(named, origin: "GESSO_LIBTORCH")]
        }
        let folders =
            projectFolders(executable: executable).map { ($0, "the project's folder") }
            + pythonFolders(environment: environment).map { ($0, "a Python environment") }
        var seen: Set<String> = []
        return folders.compactMap { folder, origin in
            let path = folder + "/libtorch.so"
            guard FileManager.default.fileExists(atPath: path), seen.insert(path).inserted else { return nil }
            return candidate(path, origin: origin)
        }
    }

    /// The file of the running program.
    package static func executablePath() -> String? {
        // Fails only where /proc is not mounted; then the project's folder is looked for from the working folder alone.
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    private static func at(_ named: String, origin: String) -> LibraryCandidate {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: named, isDirectory: &isFolder) else {
            return LibraryCandidate(
                path: named, origin: origin, version: nil, problem: "no such file or folder")
        }
        guard isFolder.boolValue else { return candidate(named, origin: origin) }
        for inside in ["libtorch.so", "lib/libtorch.so", "torch/lib/libtorch.so"] {
            let path = named + "/" + inside
            if FileManager.default.fileExists(atPath: path) { return candidate(path, origin: origin) }
        }
        return LibraryCandidate(
            path: named, origin: origin, version: nil, problem: "the folder has no libtorch.so")
    }

    private static func candidate(_ path: String, origin: String) -> LibraryCandidate {
        let version = version(beside: path)
        var problem: String?
        if let version, isTooOld(version) { problem = "it is version \(version); Gesso needs 2.11 or newer" }
        return LibraryCandidate(path: path, origin: origin, version: version, problem: problem)
    }

    /// `.libtorch` beside the program or above it, and in the working folder: `make demo` puts the library there.
    private static func projectFolders(executable: String?) -> [String] {
        var folders: [String] = []
        var folder = executable.map { ($0 as NSString).deletingLastPathComponent } ?? ""
        // The release lies one level below the project, a debug build three, a test bundle four.
        for _ in 0..<6 where folder.count > 1 {
            folders += [folder + "/.libtorch/lib", folder + "/libtorch/lib"]
            folder = (folder as NSString).deletingLastPathComponent
        }
        return folders + [FileManager.default.currentDirectoryPath + "/.libtorch/lib"]
    }

    /// The `torch/lib` folders of Python environments: the active one first, then those on the path, then usual places.
    private static func pythonFolders(environment: [String: String]) -> [String] {
        var roots = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap { environment[$0] }
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let python = "\(folder)/python3"
            guard FileManager.default.isExecutableFile(atPath: python) else { continue }
            // The folder itself covers virtual environments, the link's end covers installed interpreters.
            let resolved = URL(fileURLWithPath: python).resolvingSymlinksInPath().path
            roots += [python, resolved].map {
                (($0 as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
            }
        }
        let home = environment["HOME"] ?? ""
        roots += ["/usr/local", "/usr", "/opt/venv", "/opt/conda"]
        if !home.isEmpty {
            roots += [home + "/.local", home + "/miniconda3", home + "/anaconda3"]
            roots += children(of: (environment["PYENV_ROOT"] ?? home + "/.pyenv") + "/versions")
        }
        return roots.flatMap { root in
            ["lib", "lib64"].flatMap { lib in
                children(of: "\(root)/\(lib)").filter {
                    ($0 as NSString).lastPathComponent.hasPrefix("python3")
                }
            }.flatMap { ["\($0)/site-packages/torch/lib", "\($0)/dist-packages/torch/lib"] }
        }
    }

    private static func children(of folder: String) -> [String] {
        // A folder that is not there or may not be read has nothing to offer.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().reversed().map { folder + "/" + $0 }
    }

    /// A Python package says its version in `version.py`, the project's folder in `VERSION`.
    private static func version(beside path: String) -> String? {
        let root = ((path as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
        // Absent or unreadable files only mean that the version is not known before opening.
        if let text = try? String(contentsOfFile: root + "/version.py", encoding: .utf8) {
            let line = text.split(separator: "\n").first { $0.hasPrefix("__version__") }
            return line?.split(whereSeparator: { $0 == "'" || $0 == "\"" }).dropFirst().first.map(String.init)
        }
        let text = try? String(contentsOfFile: root + "/VERSION", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func isTooOld(_ version: String) -> Bool {
        let numbers = version.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return false }
        return (numbers[0], numbers[1]) < (2, 11)
    }
}
