import Foundation
import TestSupport

/// A copy of a recorded pipeline's folder that a test may change; it goes when the test is over.
final class ChangedFolder {
    let path: String

    init(_ fixture: String = "sdxl-tiny-a") throws {
        path = temporaryFolder() + "/model"
        try FileManager.default.copyItem(atPath: Fixture.path(fixture), toPath: path)
    }

    deinit { removeFolder(of: path) }

    /// Changes fields of a JSON file.
    func edit(_ name: String, _ fields: [String: Any]) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        var object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
        for (key, value) in fields { object[key] = value }
        try JSONSerialization.data(withJSONObject: object).write(to: url)
    }

    /// Replaces text in a file.
    func replace(_ text: String, with other: String, in name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        let found = try String(contentsOf: url, encoding: .utf8)
        try Data(found.replacing(text, with: other).utf8).write(to: url)
    }
}
