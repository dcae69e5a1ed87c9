internal import Foundation
internal import Resources

/// The published configuration files of known families, built into the program.
enum FamilyConfiguration {
    /// A file by family and place in a diffusers folder, such as `sdxl/unet/config.json`.
    static func json(_ name: String) -> Data {
        var count = 0
        guard let start = gesso_resource(name, &count) else {
            preconditionFailure("the program has no file \(name)")
        }
        return Data(bytes: start, count: count)
    }
}
