import Imaging
import Testing

struct ResizingTests {
    /// Names such as `rgb-lanczos-20x15.pam`.
    static let results = FixtureFiles.names(in: "resize", ".pam").filter { $0.contains("-") }

    @Test func `all recorded sizes are there`() {
        #expect(Self.results.count == 69)
    }

    @Test(arguments: results)
    func `a resized picture equals Pillow's in every bit`(name: String) throws {
        let words = name.dropLast(4).split(separator: "-")
        let size = words[2].split(separator: "x").compactMap { Int($0) }
        let filter = try #require(ResizeFilter(rawValue: String(words[1])))
        let source = try FixtureFiles.picture("resize/\(words[0]).pam")
        let found = try source.resized(width: size[0], height: size[1], filter: filter)
        let (largest, text) = try found.difference(from: FixtureFiles.picture("resize/\(name)"))
        #expect(largest == 0, "\(text)")
    }

    @Test(arguments: ResizeFilter.allCases, [1, 3, 4])
    func `one colour stays one colour in every size`(filter: ResizeFilter, channels: Int) throws {
        let colour = [UInt8](([201, 17, 90, 255] as [UInt8]).prefix(channels))
        func plain(_ width: Int, _ height: Int) throws -> Picture {
            let pixels = (0..<(width * height)).flatMap { _ in colour }
            return try Picture(width: width, height: height, channels: channels, pixels: pixels)
        }
        for (width, height) in [(1, 1), (3, 50), (64, 17), (17, 17)] {
            let found = try plain(17, 17).resized(width: width, height: height, filter: filter)
            #expect(try found == plain(width, height))
        }
    }

    @Test func `a size that is none is refused`() throws {
        let picture = try Picture.sample(3, 3, 3)
        for (width, height) in [(0, 5), (5, 0), (-1, 5), (65_536, 1), (65_535, 65_535), (Int.max, Int.max)] {
            #expect(throws: ImagingError.invalidSize(width: width, height: height)) {
                try picture.resized(width: width, height: height)
            }
        }
    }
}
