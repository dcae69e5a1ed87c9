/// What a safetensors file holds, told from its keys and a few shapes.
package enum FileFamily: String, Sendable, CaseIterable, Encodable {
    case sdxl
    case sdxlRefiner = "sdxl-refiner"
    case sdxlInpainting = "sdxl-inpainting"
    case sdxlEdit = "sdxl-edit"
    case sdxlWithoutText = "sdxl-without-text"
    case playground = "playground-v2.5"
    case scaledFloat8 = "scaled-float8"
    case stableDiffusion1 = "sd1"
    case stableDiffusion2 = "sd2"
    case stableDiffusion3 = "sd3"
    case flux
    case fluxTools = "flux-tools"
    case flux2
    case chroma
    case otherTransformer = "other-transformer"
    case cascade = "stable-cascade"
    case lora
    case controlNet = "controlnet"
    case ipAdapter = "ip-adapter"
    case motionModule = "motion-module"
    case textualInversion = "textual-inversion"
    case upscaler
    case sdxlUNet = "sdxl-unet"
    case otherUNet = "other-unet"
    case vae
    case clip
    case openCLIP = "openclip"
    case t5
    case languageModel = "language-model"
    case empty
    case unknown

    /// What the file is, as a noun with its article.
    package var label: String {
        switch self {
        case .sdxl: "an SDXL checkpoint"
        case .sdxlRefiner: "an SDXL refiner"
        case .sdxlInpainting: "an SDXL inpainting checkpoint"
        case .sdxlEdit: "an SDXL checkpoint whose UNet takes more than latents (editing or depth)"
        case .sdxlWithoutText: "the UNet of SDXL without its text encoders"
        case .playground: "a Playground v2.5 checkpoint"
        case .scaledFloat8: "a checkpoint in 8-bit floats with scales beside the weights"
        case .stableDiffusion1: "a Stable Diffusion 1.x checkpoint"
        case .stableDiffusion2: "a Stable Diffusion 2.x checkpoint"
        case .stableDiffusion3: "a Stable Diffusion 3 or 3.5 model"
        case .flux: "a FLUX.1 checkpoint"
        case .fluxTools: "a FLUX.1 transformer that takes more than latents (filling, depth or edges)"
        case .flux2: "a FLUX.2 model"
        case .chroma: "a Chroma model"
        case .otherTransformer: "a diffusion transformer of another family"
        case .cascade: "a Stable Cascade model"
        case .lora: "a LoRA or another adapter of its kind"
        case .controlNet: "a ControlNet"
        case .ipAdapter: "an IP-Adapter"
        case .motionModule: "a motion module for video"
        case .textualInversion: "a textual inversion (an embedding)"
        case .upscaler: "a picture upscaler"
        case .sdxlUNet: "only the UNet of SDXL"
        case .otherUNet: "only a UNet, and not SDXL's"
        case .vae: "only an image autoencoder (VAE)"
        case .clip: "only a CLIP text encoder"
        case .openCLIP: "only an OpenCLIP text encoder"
        case .t5: "only a T5 text encoder"
        case .languageModel: "a language model"
        case .empty: "an empty file: it has no tensors"
        case .unknown: "of a kind that is not known here"
        }
    }

    /// What to do with such a file instead of painting with it alone.
    package var advice: String {
        switch self {
        case .sdxl, .flux: "It can be opened."
        case .fluxTools: "Give FLUX.1 dev or schnell."
        case .sdxlRefiner: "Give the base checkpoint; a refiner only finishes its pictures."
        case .sdxlInpainting, .sdxlEdit: "Give a checkpoint for text to image, whose UNet takes 4 channels."
        case .lora: "It changes a checkpoint and paints nothing by itself; adapters are not supported yet."
        case .controlNet, .ipAdapter, .motionModule: "It adds to a checkpoint and paints nothing by itself."
        case .textualInversion: "It adds a word to a checkpoint and paints nothing by itself."
        case .vae: "Give the checkpoint as the model, and this file with --vae."
        case .t5: "Give the FLUX.1 checkpoint as the model, and this file with --t5."
        case .clip:
            "Give a FLUX.1 checkpoint as the model, and this file with --clip, or an SDXL one with its own."
        case .sdxlUNet, .sdxlWithoutText, .openCLIP:
            "Give the full checkpoint it belongs to, or the diffusers folder that has all of the components."
        case .scaledFloat8: "Give the 16-bit version of the same checkpoint."
        case .empty: "Get the file again."
        case .upscaler, .languageModel, .unknown, .playground, .stableDiffusion1, .stableDiffusion2,
            .stableDiffusion3, .flux2, .chroma, .otherTransformer, .cascade, .otherUNet:
            "Only SDXL and FLUX.1 checkpoints can be run: one file with denoiser, autoencoder and both text encoders, or"
                + " a diffusers folder."
        }
    }

    /// The error for a file that was given as a checkpoint.
    func refusal(_ path: String) -> CheckpointError {
        .otherFile(path: path, is: label, advice: advice)
    }
}
