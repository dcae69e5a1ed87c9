import Foundation
import Imaging
import Testing

/// The recorded pictures of `Fixtures/imaging`.
enum FixtureFiles {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/imaging").standardized

    /// The bytes of a file, named by its path below the folder.
    static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: root.appending(path: path)))
    }

    /// The names in a folder that end in one of `endings`, sorted.
    static func names(in folder: String, _ endings: String...) -> [String] {
        let path = root.appending(path: folder).path(percentEncoded: false)
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            // The tests over an empty list say so: each compares the count.
            return []
        }
        return names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
    }

    /// A picture recorded as PAM: lines of names and values up to ENDHDR, then the samples.
    static func picture(_ path: String) throws -> Picture {
        let file = try bytes(path)
        let end = try #require(file.indices.first { file[$0...].starts(with: "ENDHDR\n".utf8) })
        var numbers: [Substring: Int] = [:]
        for line in String(decoding: file[..<end], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { numbers[words[0]] = Int(words[1]) }
        }
        return try Picture(
            width: #require(numbers["WIDTH"]), height: #require(numbers["HEIGHT"]),
            channels: #require(numbers["DEPTH"]), pixels: Array(file[(end + 7)...]))
    }
}

extension Picture {
    /// The largest difference of a sample and where it is, or the shapes when they differ.
    func difference(from other: Picture) -> (largest: Int, text: String) {
        guard (width, height, channels) == (other.width, other.height, other.channels) else {
            let mine = "\(width)x\(height)x\(channels)"
            return (256, "shapes \(mine) and \(other.width)x\(other.height)x\(other.channels)")
        }
        var (largest, place, count) = (0, 0, 0)
        for index in pixels.indices {
            let difference = abs(Int(pixels[index]) - Int(other.pixels[index]))
            if difference > 0 { count += 1 }
            if difference > largest { (largest, place) = (difference, index) }
        }
        let (pixel, channel) = place.quotientAndRemainder(dividingBy: channels)
        let position = "x \(pixel % width), y \(pixel / width), channel \(channel)"
        return (largest, "\(count) of \(pixels.count) differ, at most by \(largest) at \(position)")
    }

    /// Gradients that no turn or mirroring leaves as they are.
    static func sample(_ width: Int, _ height: Int, _ channels: Int) throws -> Picture {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<channels {
                    let slope = x * (3 + channel) + y * (7 - channel)
                    pixels.append(UInt8((slope + (x / 4 + y / 3) % 5 * 20 + channel * 40) % 256))
                }
            }
        }
        return try Picture(width: width, height: height, channels: channels, pixels: pixels)
    }
}
