internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Imaging
internal import Models
internal import Pipelines

/// `gesso inspect`: what a checkpoint or a picture is, without computing anything.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a checkpoint or a picture holds.",
        discussion: """
            EXAMPLES:
              gesso inspect juggernaut.safetensors
              gesso inspect stable-diffusion-xl-base-1.0/
              gesso inspect gesso-42.png
              gesso inspect gesso-42.png --json | jq -r .picture.receipt.prompt

            Of a checkpoint: its family, layout, parts, number formats, what it predicts, and keys that nothing uses. \
            Of another .safetensors file: what it is, and why it can't be painted with. Of a PNG, JPEG or WebP picture: \
            its size, and the receipt that repeats it. Reads headers only; no libtorch is needed.
            """)

    @Argument(help: "A .safetensors file, a diffusers folder or a picture.")
    var path: String

    @Option(
        help: ArgumentHelp(
            "Look at the checkpoint with this autoencoder in place of its own.", valueName: "path"))
    var vae: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: look at it with this CLIP text encoder in place of its own.", valueName: "path"))
    var clip: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: look at it with this T5 text encoder in place of its own.", valueName: "path"))
    var t5: String?

    @Option(
        help: ArgumentHelp(
            "A diffusers folder whose configurations are used with a single file.", valueName: "folder"))
    var config: String?

    @Flag(help: "Print JSON: {\"checkpoint\": ...} or {\"picture\": ...}.")
    var json = false

    func run() throws {
        let surroundings = Surroundings.current
        if PictureFormat(sniffing: SourceFile.start(path, surroundings)) != nil {
            let bytes = try SourceFile.bytes(
                path, surroundings, limit: PictureLimits.default.maximumEncodedBytes, field: "path")
            let facts = try PictureFacts(bytes, path: path)
            try surroundings.console.print(json ? JSONText.line(["picture": facts]) : facts.text)
        } else {
            let summary: CheckpointSummary
            do {
                summary = try CheckpointSummary(
                    inspecting: ModelPaths(
                        model: path, vae: vae, clip: clip, t5: t5, configuration: config))
            } catch {
                throw Failure(error)
            }
            try surroundings.console.print(json ? JSONText.line(["checkpoint": summary]) : summary.text)
        }
    }
}
