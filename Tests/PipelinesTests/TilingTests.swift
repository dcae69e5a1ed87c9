import Foundation
import Imaging
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Cutting large pictures into tiles: where they lie, how they are blended, and that no seam shows.
struct TilingTests {
    @Test(arguments: [
        (Tiling(), 8), (Tiling(), 2), (Tiling(wholeLimit: 0, side: 32, overlap: 16), 2),
        (Tiling(wholeLimit: 0, side: 33, overlap: 5), 8), (Tiling(wholeLimit: 0, side: 64, overlap: 8), 8),
        // One latent larger than a tile: many levels in a checkpoint's configuration must not divide by zero.
        (Tiling(wholeLimit: 0, side: 16, overlap: 4), 4096),
    ])
    func `tiles cover every latent and share what was wanted`(tiling: Tiling, factor: Int) {
        let side = max(1, tiling.side / factor)
        let overlap = side > 1 ? tiling.overlap / factor : 0
        for length in 1...700 {
            let starts = tiling.starts(length, factor)
            #expect(starts.first == 0)
            #expect(length <= side ? starts == [0] : starts.last == length - side)
            for (one, next) in zip(starts, starts.dropFirst()) {
                #expect(one < next && next <= one + side - overlap, "\(length): \(starts)")
            }
        }
    }

    @Test func `a picture up to the limit is one tile`() {
        let tiling = Tiling()
        #expect(
            tiling.tiles(height: 128, width: 256, factor: 8) == [
                Tiling.Tile(top: 0, left: 0, height: 128, width: 256)
            ])
        let tiles = tiling.tiles(height: 129, width: 256, factor: 8)
        #expect(tiles.map(\.top) == [0, 0, 0, 1, 1, 1])
        #expect(tiles.map(\.left) == [0, 64, 128, 0, 64, 128])
        #expect(tiles.allSatisfy { $0.height == 128 && $0.width == 128 })
        #expect(tiles[5].scaled(by: 8) == Tiling.Tile(top: 8, left: 1024, height: 1024, width: 1024))
    }

    @Test(arguments: [(1, 1), (37, 53), (16, 90), (64, 17)])
    func `what every tile agrees on is what comes out, at odd sizes too`(height: Int, width: Int) {
        let tiling = Tiling(wholeLimit: 0, side: 16, overlap: 5)
        // Each channel a plane of its own slope: a tile in the wrong place or a swapped axis would show.
        func value(_ channel: Int, _ y: Int, _ x: Int) -> Float { Float(1000 * channel + 10 * y + x) }
        var mosaic = Mosaic(channels: 2, height: height, width: width, overlap: tiling.overlap)
        for tile in tiling.tiles(height: height, width: width, factor: 1) {
            var planes: [Float] = []
            for channel in 0..<2 {
                for y in 0..<tile.height {
                    for x in 0..<tile.width { planes.append(value(channel, tile.top + y, tile.left + x)) }
                }
            }
            mosaic.add(planes, tile)
        }
        var expected: [Float] = []
        for channel in 0..<2 {
            for y in 0..<height { for x in 0..<width { expected.append(value(channel, y, x)) } }
        }
        let difference = Closeness(mosaic.planes(), expected, absolute: 1e-3, relative: 1e-5)
        #expect(difference.isClose, "\(difference)")
    }

    @Test func `from one tile to the next the picture changes by small steps`() {
        let tiling = Tiling(wholeLimit: 0, side: 40, overlap: 16)
        var mosaic = Mosaic(channels: 1, height: 10, width: 64, overlap: tiling.overlap)
        // Two tiles that disagree by 1 everywhere.
        for (index, tile) in tiling.tiles(height: 10, width: 64, factor: 1).enumerated() {
            mosaic.add(Array(repeating: Float(index), count: tile.height * tile.width), tile)
        }
        let row = Array(mosaic.planes().prefix(64))
        #expect(row.first == 0 && row.last == 1)
        for (one, next) in zip(row, row.dropFirst()) { #expect(next >= one && next - one < 0.13) }
    }

    // MARK: - The autoencoder itself

    private static func models(_ name: String) throws -> StagedModels<SDXLCheckpoint> {
        let checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-\(name)"))
        return StagedModels(
            checkpoint, try SDXLTextStage.Tokens(checkpoint), checkpoint.plan(.plainCPU, policy: .auto))
    }

    /// A pattern whose statistics are the same in every tile of 48 latents, wherever it lies: the norms look at a whole
    /// tile, so only then is a tile's answer the whole picture's. Down and across differ, and so do the channels.
    private static func pattern(_ channel: Int, _ y: Int, _ x: Int, scale: Int = 1) -> Float {
        let down = sin(Float(channel) + 2 * .pi * Float(y) / Float(16 * scale))
        return 0.6 * down + 0.4 * cos(2 * .pi * Float(x) / Float(12 * scale))
    }

    private static func latents(_ height: Int, _ width: Int) throws -> Tensor {
        var values: [Float] = []
        for channel in 0..<4 {
            for y in 0..<height { for x in 0..<width { values.append(0.1 * pattern(channel, y, x)) } }
        }
        return try Tensor(values, shape: [1, 4, height, width])
    }

    /// A PNG file of the pattern.
    private static func picture(_ height: Int, _ width: Int, scale: Int) throws -> [UInt8] {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    pixels.append(UInt8(128 + 100 * pattern(channel, y, x, scale: scale)))
                }
            }
        }
        let picture = try Picture(width: width, height: height, channels: 3, pixels: pixels)
        return try PictureCodec.encode(picture, as: .png)
    }

    /// Random weights spread what the padding at a tile's edge does; measured are cosines above 0.991. A tile that is one
    /// latent off would be at 0.9.
    private static func tiling(_ factor: Int) -> Tiling {
        Tiling(wholeLimit: 0, side: 48 * factor, overlap: 24 * factor)
    }

    @Test(arguments: [("a", 2), ("b", 4)])
    func `tiled decoding is close to decoding in one piece`(name: String, factor: Int) async throws {
        let (whole, tiled, tiles) = try await onCPU {
            var models = try Self.models(name)
            var stage = try models.pictureStage()
            let latents = try Self.latents(75, 91)
            let whole = try stage.planes(latents) { _, _ in }
            stage.tiling = Self.tiling(factor)
            var last = (0, 0)
            let tiled = try stage.planes(latents) { last = ($0, $1) }
            return (whole, tiled, last)
        }
        #expect(tiles == (9, 9))
        let difference = Closeness(tiled, whole, absolute: 0, relative: 0)
        #expect(difference.relativeToLargest < 0.35 && difference.cosine > 0.99, "\(difference)")
    }

    @Test(arguments: [("a", 2), ("b", 4)])
    func `tiled encoding is close to encoding in one piece`(name: String, factor: Int) async throws {
        let bytes = try Self.picture(76 * factor, 92 * factor, scale: factor)
        let pairs = try await onCPU {
            let models = try Self.models(name)
            let source = try SourcePicture(bytes, width: nil, height: nil)
            var stage = try models.sourceStage()
            let whole = try stage.encode(source) { _, _ in }
            stage.tiling = Self.tiling(factor)
            var last = (0, 0)
            let tiled = try stage.encode(source) { last = ($0, $1) }
            #expect(last == (9, 9))
            #expect(tiled.mean.shape == whole.mean.shape && tiled.logVariance.shape == whole.mean.shape)
            return [
                (try tiled.mean.floats(), try whole.mean.floats()),
                (try tiled.logVariance.floats(), try whole.logVariance.floats()),
            ]
        }
        for (tiled, whole) in pairs {
            let difference = Closeness(tiled, whole, absolute: 0, relative: 0)
            #expect(difference.relativeToLargest < 0.35 && difference.cosine > 0.99, "\(difference)")
        }
    }

    @Test func `cancelling ends between two tiles`() async throws {
        let file = URL(fileURLWithPath: Fixture.path("sdxl-reference/picture-32x40.png"))
        let bytes = try [UInt8](Data(contentsOf: file))
        let task = Task {
            try await onCPU {
                var models = try Self.models("a")
                var stage = try models.sourceStage()
                stage.tiling = Tiling(wholeLimit: 0, side: 32, overlap: 8)
                var picture = try models.pictureStage()
                picture.tiling = stage.tiling
                let source = try SourcePicture(bytes, width: 64, height: 64)
                let latents = try Self.latents(32, 32)
                var seen: [Int] = []
                withUnsafeCurrentTask { $0?.cancel() }
                #expect(throws: CancellationError.self) {
                    try stage.encode(source) { done, _ in seen.append(done) }
                }
                #expect(throws: CancellationError.self) {
                    try picture.planes(latents) { done, _ in seen.append(done) }
                }
                return seen
            }
        }
        #expect(try await task.value.isEmpty)
    }
}
