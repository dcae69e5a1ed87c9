import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// The real SDXL checkpoint's keys and shapes; the 6.9 GB behind them are a hole in the disk.
struct RealSizeTests {
    @Test func `the original file of SDXL base opens with SDXL's own configuration`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("sdxl.safetensors", Keys.sdxlBase())
        let checkpoint = try SDXLCheckpoint.open(path)

        #expect(checkpoint.unet.configuration == .sdxl)
        #expect(checkpoint.vae.configuration == .sdxl)
        #expect(checkpoint.textEncoder.configuration == .sdxlFirst)
        #expect(checkpoint.textEncoder2.configuration == .sdxlSecond)
        #expect(checkpoint.layout == .singleFile)
        #expect(checkpoint.files == [path])
        #expect(checkpoint.tokenizer == .embedded)
        #expect(checkpoint.tokenizer2 == .embedded)
        #expect(checkpoint.forcesZerosForEmptyPrompt)
        #expect(checkpoint.unusedKeys.isEmpty)
        #expect(checkpoint.notes.isEmpty)
    }

    @Test func `every component has as many tensors and parameters as SDXL has`() throws {
        let scratch = try Scratch()
        let keys = try Keys.sdxlBase()
        #expect(keys.count == 2515)
        let checkpoint = try SDXLCheckpoint.open(try scratch.sparse("sdxl.safetensors", keys))
        let weights = [
            checkpoint.textEncoder.weights, checkpoint.textEncoder2.weights, checkpoint.unet.weights,
            checkpoint.vae.weights,
        ]
        #expect(weights.map(\.name) == ["text_encoder", "text_encoder_2", "unet", "vae"])
        #expect(weights.map(\.tensors.count) == [196, 517, 1680, 248])
        // The figures that the models' authors and users quote.
        #expect(weights.map(\.parameterCount) == [123_060_480, 694_659_840, 2_567_463_684, 83_653_863])
        #expect(weights[2].elementTypes == [.float16: 1680])
    }

    @Test func `the published configurations say the same as the constants`() throws {
        let folder = try PipelineFolder(Fixture.path("checkpoints/sdxl-base"))
        #expect(try folder.unet() == .sdxl)
        #expect(try folder.vae() == .sdxl)
        #expect(try folder.textEncoder() == .sdxlFirst)
        #expect(try folder.textEncoder2() == .sdxlSecond)
        #expect(try folder.unknownFields() == [])
    }

    @Test func `the built-in schedule is the published one`() throws {
        let file = Fixture.path("checkpoints/sdxl-base/scheduler/scheduler_config.json")
        let published = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file))) as? NSDictionary)
        let own = try #require(
            JSONSerialization.jsonObject(with: Data(SDXLScheduler().json)) as? [String: Any])
        var common = own
        // Not in the published file, and false there.
        #expect(common.removeValue(forKey: "rescale_betas_zero_snr") as? Bool == false)
        #expect(common as NSDictionary == published)
    }

    @Test func `a file opens the same with the published configurations`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("sdxl.safetensors", Keys.sdxlBase())
        let own = try SDXLCheckpoint.open(path)
        let given = try SDXLCheckpoint.open(path, configuration: Fixture.path("checkpoints/sdxl-base"))
        #expect(given.unet.configuration == own.unet.configuration)
        #expect(given.unet.weights.tensors.mapValues(\.shape) == own.unet.weights.tensors.mapValues(\.shape))
        #expect(given.vae.configuration == own.vae.configuration)
        #expect(given.textEncoder.configuration == own.textEncoder.configuration)
        #expect(given.textEncoder2.configuration == own.textEncoder2.configuration)
    }

    @Test func `no key is taken twice but the fused attention's`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("sdxl.safetensors", Keys.sdxlBase())
        let checkpoint = try SDXLCheckpoint.open(path)
        var uses: [String: Int] = [:]
        let tensors = [
            checkpoint.textEncoder.weights, checkpoint.textEncoder2.weights, checkpoint.unet.weights,
            checkpoint.vae.weights,
        ].flatMap(\.tensors.values)
        for source in tensors { uses[source.stored.entry.name, default: 0] += 1 }
        for (key, count) in uses {
            #expect(count == (key.contains(".attn.in_proj_") ? 3 : 1), "\(key)")
        }
    }
}
