package import Foundation
package import Planning

/// Measurements of devices, kept between runs: a file for each fingerprint.
///
/// A convenience, so that neither reading nor writing may fail anything: what cannot be read is measured again.
package struct ProbeCache: Sendable {
    /// What a file holds: the fingerprint in words beside its measurements, for whoever opens it.
    private struct Entry: Codable {
        let fingerprint: DeviceFingerprint
        let profile: DeviceProfile
    }

    private let folder: URL
    /// JSON has no word for an error that is no number, which is what a broken kernel has.
    private static let unusual = (positive: "inf", negative: "-inf", none: "nan")

    /// - Parameter folder: The user's ``CacheFolder``.
    package init(folder: URL) { self.folder = folder.appendingPathComponent("probes") }

    /// Where the measurements under a fingerprint are, once they are there.
    package func file(_ fingerprint: DeviceFingerprint) -> URL {
        folder.appendingPathComponent("\(fingerprint.id).json")
    }

    /// What was measured; nil where nothing was, and for a file that is damaged or another fingerprint's.
    package func profile(_ fingerprint: DeviceFingerprint) -> DeviceProfile? {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: Self.unusual.positive, negativeInfinity: Self.unusual.negative,
            nan: Self.unusual.none)
        guard let data = try? Data(contentsOf: file(fingerprint)),
            let entry = try? decoder.decode(Entry.self, from: data),
            entry.fingerprint == fingerprint, entry.profile.fingerprint == fingerprint.id
        else { return nil }
        return entry.profile
    }

    /// Keeps measurements.
    package func keep(_ profile: DeviceProfile, _ fingerprint: DeviceFingerprint) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: Self.unusual.positive, negativeInfinity: Self.unusual.negative,
            nan: Self.unusual.none)
        // Strings and numbers can always be encoded.
        guard let data = try? encoder.encode(Entry(fingerprint: fingerprint, profile: profile)) else {
            return
        }
        CacheFolder.write(data, to: file(fingerprint))
    }
}
