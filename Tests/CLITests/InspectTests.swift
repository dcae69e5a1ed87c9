import Foundation
import Generation
import Imaging
import TestSupport
import Testing

@testable import CLI

/// `gesso inspect` and `gesso samplers`: what is printed, to the letter.
@Suite struct InspectTests {
    let session = Session()

    @Test func `a diffusers folder is summed up`() async throws {
        let folder = Fixture.path("sdxl-tiny-a")
        let outcome = await session.run(["inspect", folder])
        #expect(
            outcome.output == """
                \(folder)
                an SDXL checkpoint, diffusers folder, predicts epsilon

                part            tensors  parameters      size  types
                text_encoder         68      20,944   83.8 kB  F32
                text_encoder_2       85      43,008  172.0 kB  F32
                unet                212      70,492  282.0 kB  F32
                vae                 124      43,711  174.8 kB  F32
                all                 489     178,155  712.6 kB

                trained for 32x32 pixels, 4 latent channels, 2 pixels a latent
                text encoders 16 and 24 wide, 4 and 5 layers; UNet channels 8, 16

                """)
        #expect(outcome.status == .done)
        #expect(outcome.errors.isEmpty)
    }

    @Test func `FLUX's parts are summed up, wherever they lie`() async throws {
        let parts = Fixture.path("flux-single/a")
        let outcome = await session.run([
            "inspect", parts + "/transformer.safetensors", "--clip", parts + "/clip_l.safetensors", "--t5",
            parts + "/t5xxl.safetensors", "--vae", parts + "/ae.safetensors", "--config",
            Fixture.path("flux-tiny-a"),
        ])
        #expect(
            outcome.output == """
                \(parts)/transformer.safetensors
                a FLUX.1 checkpoint (dev), files of its parts, predicts flow

                part            tensors  parameters      size  types
                text_encoder         52      18,720   74.9 kB  F32
                text_encoder_2       21      18,456   73.8 kB  F32
                transformer         114     134,528  538.1 kB  F32
                vae                 120      48,827  195.3 kB  F32
                all                 307     220,531  882.1 kB

                takes a guidance scale (dev), 16 latent channels, 2 pixels a latent
                text encoders 16 (CLIP) and 24 (T5) wide, 3 and 2 layers; transformer 32 wide, 2 double and 2 single blocks

                note: the CLIP text encoder is \(parts)/clip_l.safetensors
                note: the T5 text encoder is \(parts)/t5xxl.safetensors
                note: the autoencoder is \(parts)/ae.safetensors

                """)
        // Alone, the transformer asks for what it lacks.
        let alone = await session.run([
            "inspect", parts + "/transformer.safetensors", "--config", Fixture.path("flux-tiny-a"),
        ])
        #expect(alone.output.contains("Give one, such as clip_l.safetensors, with --clip."))
    }

    @Test func `a file that can't be painted with says what it is and why`() async throws {
        let file = Fixture.path("sdxl-tiny-a/vae/diffusion_pytorch_model.safetensors")
        let outcome = await session.run(["inspect", file])
        #expect(outcome.status == .done)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == file)
        #expect(lines[1] == "only an image autoencoder (VAE), file")
        #expect(lines[2].hasPrefix("can't be painted with: "))
        #expect(
            lines.suffix(3) == [
                "part  tensors  parameters      size  types", "file      124      43,711  174.8 kB  F32", "",
            ])
    }

    @Test func `JSON of a checkpoint has its parts and configurations`() async throws {
        let outcome = await session.run(["inspect", "--json", Fixture.path("sdxl-tiny-a")])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: [String: Any]])
        let summary = try #require(object["checkpoint"])
        #expect(summary["canRun"] as? Bool == true)
        #expect(summary["family"] as? String == "sdxl")
        #expect(summary["layout"] as? String == "diffusers folder")
        #expect(summary["predictionType"] as? String == "epsilon")
        let parts = try #require(summary["parts"] as? [[String: Any]])
        #expect(parts.map { $0["tensors"] as? Int } == [68, 85, 212, 124])
        #expect((summary["unet"] as? [String: Any])?["blockOutChannels"] as? [Int] == [8, 16])
    }

    @Test func `what is no model and no picture is status 4`() async throws {
        try session.write("hello", to: "hello.txt")
        for path in [session.path("hello.txt"), session.path("nothing"), session.folder] {
            let outcome = await session.run(["inspect", path, "--json"])
            #expect(outcome.status == .badCheckpoint)
            #expect(outcome.errors.hasPrefix("gesso: error: \(path): "))
            #expect(outcome.output.hasPrefix(#"{"error":{"code":"bad_checkpoint","field":null,"message":"#))
        }
    }

    @Test func `a painted picture shows its receipt`() async throws {
        _ = await session.run(["generate", "a cat", "-o", "cat.jpg", "--negative-prompt", "dog"])
        let bytes = try session.bytes("cat.jpg").count
        let outcome = await session.run(["inspect", "cat.jpg"])
        #expect(
            outcome.output == """
                cat.jpg
                JPEG, 16x8, \(Quantity.bytes(bytes))

                painted by     gesso 0.1.0, libtorch 2.13, cpu
                model          fake (sdxl)
                model sha256   0123456789abcdef
                seed           42
                sampler        euler, schedule default, 30 steps
                guidance       5.0, rescale 0.0
                clip skip      0
                precision      denoiser fp32
                pixels sha256  abcdef

                parameters:
                a cat
                Negative prompt: dog
                Steps: 30, Sampler: Euler, Schedule type: Automatic, CFG scale: 5, Seed: 42, Size: 16x8, \
                Model hash: 0123456789, Model: fake, Version: gesso 0.1.0

                """)
        let json = await session.run(["inspect", "cat.jpg", "--json"])
        #expect(
            json.output.hasPrefix(
                #"{"picture":{"bytes":\#(bytes),"format":"JPEG","height":8,"path":"cat.jpg","#))
        #expect(json.output.contains(#""receipt":{"clipSkip":0,"device":"cpu","#))
        #expect(json.output.contains(#""texts":{"parameters":"a cat\nNegative prompt: dog\n"#))
    }

    @Test func `pictures of other programs show what they carry`() async throws {
        let picture = try Picture(width: 2, height: 1, channels: 1, pixels: [0, 255])
        let text = PictureText(entries: [("Title", "Dots"), ("gesso", "not a receipt")])
        try Data(PictureCodec.encode(picture, as: .png, text: text)).write(
            to: URL(fileURLWithPath: session.path("a.png")))
        try Data(PictureCodec.encode(picture, as: .png)).write(
            to: URL(fileURLWithPath: session.path("b.png")))
        let a = await session.run(["inspect", "a.png"])
        #expect(a.output.hasSuffix("\n\nTitle:\nDots\n\ngesso:\nnot a receipt\n"))
        let b = await session.run(["inspect", "b.png"])
        #expect(b.output.hasPrefix("b.png\nPNG, 2x1, "))
        #expect(b.output.hasSuffix(" bytes\nThe file says nothing about how it was made.\n"))
    }

    @Test func `every shortened picture is answered with an error or facts`() async throws {
        _ = await session.run(["generate", "a", "-o", "a.png"])
        let whole = try session.bytes("a.png")
        for count in stride(from: 8, to: whole.count, by: 7) {
            try Data(whole.prefix(count)).write(to: URL(fileURLWithPath: session.path("cut.png")))
            let outcome = await session.run(["inspect", "cut.png"])
            #expect([.done, .badRequest].contains(outcome.status))
            #expect(outcome.status == .done || outcome.errors.hasPrefix("gesso: error: cut.png: "))
        }
    }

    @Test func `samplers are listed with all their names`() async {
        let outcome = await session.run(["samplers"])
        #expect(
            outcome.output.hasPrefix(
                """
                euler
                    title         Euler
                    other names   k-euler, euler-discrete
                    timesteps     leading, trailing, linspace
                    noise levels  karras, exponential
                euler-ancestral
                """))
        #expect(outcome.output.hasSuffix("    noise levels  -\n"))
        let json = await session.run(["samplers", "--json"])
        #expect(
            json.output.hasPrefix(
                #"{"samplers":[{"aliases":["k-euler","euler-discrete"],"ancestral":false,"name":"euler","order":1,"#
                    + #""reference":"EulerDiscreteScheduler","sigmas":["karras","exponential"],"#
                    + #""timesteps":["leading","trailing","linspace"],"title":"Euler"},"#))
    }
}
