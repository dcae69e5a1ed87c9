import Foundation
import Generation
import Imaging
import Synchronization
import Testing

@testable import Server

@Suite struct PictureTests {
    private func painted(_ width: Int, _ height: Int) -> Generation.Result.Painted {
        let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 / 7) }
        return Generation.Result.Painted(
            width: width, height: height, pixels: pixels,
            latents: Generation.Result.Latents(shape: [0], values: []),
            receipt: .sample)
    }

    @Test(arguments: ["png", "jpeg", "webp"])
    func `a file holds its picture, the receipt and the text that others read`(_ format: String) async throws
    {
        var options = OutputOptions()
        options.format = format
        let file = try await ImagingPictureEncoder().encode(painted(64, 32), options)
        let size = try PictureCodec.size(of: file.bytes)
        #expect(size.width == 64 && size.height == 32 && size.format.mediaType == file.contentType)
        #expect(file.ending == size.format.fileExtension)
        let text = try PictureCodec.text(in: file.bytes)
        let receipt = try #require(text[PictureFile.receiptKey])
        #expect(try JSONDecoder().decode(Receipt.self, from: Data(receipt.utf8)) == .sample)
        #expect(text[PictureText.parametersKey] == Receipt.sample.infotext)
        if format == "png" { #expect(try PictureCodec.decode(file.bytes).pixels == painted(64, 32).pixels) }
    }

    @Test func `a file says nothing where it is told not to, and quality counts`() async throws {
        var options = OutputOptions()
        options.format = "jpeg"
        options.embedsReceipt = false
        options.quality = 20
        let small = try await ImagingPictureEncoder().encode(painted(256, 256), options)
        #expect(try PictureCodec.text(in: small.bytes).entries.isEmpty)
        options.quality = 95
        #expect(
            try await ImagingPictureEncoder().encode(painted(256, 256), options).bytes.count
                > small.bytes.count)
        options.format = "gif"
        await #expect(throws: Failure.self) {
            try await ImagingPictureEncoder().encode(painted(8, 8), options)
        }
    }

    @Test(arguments: [
        (1024, 512, 320, 160), (512, 1024, 160, 320), (320, 320, 320, 320), (8, 8, 8, 8), (2000, 8, 320, 1),
    ])
    func `a thumbnail is a JPEG of at most 320 pixels a side`(
        _ width: Int, _ height: Int, _ small: Int, _ low: Int
    ) throws {
        let size = try PictureCodec.size(of: PictureFile.thumbnail(painted(width, height)))
        #expect(size.format == .jpeg && size.width == small && size.height == low)
    }

    @Test func `so many run at once and no more`() async throws {
        let pool = CodecPool(width: 2)
        let counter = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<12 { group.addTask { try await pool.run { counter.work() } } }
            try await group.waitForAll()
        }
        #expect(counter.most <= 2 && counter.most >= 1)
    }

    private final class Counter: Sendable {
        private let state = Mutex((now: 0, most: 0))
        var most: Int { state.withLock { $0.most } }
        func work() {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            usleep(3000)
            state.withLock { $0.now -= 1 }
        }
    }
}
