internal import Foundation
internal import Planning

/// Numbers as people read them; the decimal mark is a point everywhere.
enum Quantity {
    /// `812 bytes`, `1.4 MB`, `6.9 GB`: powers of ten, as disks are sold.
    static func bytes(_ count: Int) -> String {
        let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
        guard let (size, unit) = units.first(where: { Double(count) >= $0.0 }) else {
            return "\(count) bytes"
        }
        return decimal(Double(count) / size, 1) + " " + unit
    }

    /// `2.6 billion`, `83.7 million`, `12,345`.
    static func count(_ count: Int) -> String {
        if count >= 1_000_000_000 { return decimal(Double(count) / 1e9, 2) + " billion" }
        if count >= 1_000_000 { return decimal(Double(count) / 1e6, 1) + " million" }
        var digits = String(count)
        if digits.count > 3 { digits.insert(",", at: digits.index(digits.endIndex, offsetBy: -3)) }
        return digits
    }

    /// `0`, `1.9e-3`, `0.25`, `12`: two significant digits, of whatever size.
    static func figure(_ number: Double) -> String {
        guard number != 0 else { return "0" }
        guard number.isFinite, number.magnitude < 0.1 else { return short(number) }
        return number.scientificText.replacing(".0e", with: "e")
    }

    /// About two significant digits: `0.004`, `0.05`, `1.9`, `35`.
    static func short(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.0995: decimal(seconds, 3)
        case ..<0.995: decimal(seconds, 2)
        case ..<9.95: decimal(seconds, 1)
        default: decimal(seconds, 0)
        }
    }

    /// `35 s`, `2 min 5 s`, `1 h 3 min`.
    static func duration(_ seconds: Double) -> String {
        // Beyond a year the number means nothing; it may be infinite or none at all.
        let whole = seconds.isNaN ? 0 : Int(min(max(seconds, 0), 31_536_000).rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        }
    }

    static func decimal(_ number: Double, _ places: Int) -> String {
        String(format: "%.\(places)f", number)
    }
}
