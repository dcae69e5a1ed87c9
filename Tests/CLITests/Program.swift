import Foundation

/// The program itself, as a shell would start it.
enum Program {
    /// The executable that was built beside the tests.
    static let executable: URL = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0])
        let folder =
            bundle.pathExtension == "xctest" ? bundle.deletingLastPathComponent() : Bundle.main.bundleURL
        return folder.appendingPathComponent("gesso")
    }()

    /// Runs it to its end.
    /// - Returns: Its exit status and what it printed on standard output.
    static func run(
        _ arguments: [String], environment: [String: String]
    ) throws -> (status: Int32, output: Data) {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, data)
    }
}
