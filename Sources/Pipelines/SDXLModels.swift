internal import Layers
internal import Models
internal import Planning
internal import SafeTensors
internal import Torch

/// SDXL's four models, each loaded when it is first needed and given back when told. Lives on the device thread.
struct SDXLModels {
    private let checkpoint: SDXLCheckpoint
    private let plan: Plan
    private let device: Device
    private var text: SDXLTextStage?
    private var unet: UNet?
    private var decoder: VAEDecoder?

    init(_ checkpoint: SDXLCheckpoint, _ plan: Plan, _ device: Device) {
        self.checkpoint = checkpoint
        self.plan = plan
        self.device = device
    }

    /// The first encoder without its last layer, which SDXL never uses and some published merges have broken; the
    /// second whole for its pooled output.
    mutating func textStage() throws(WeightError) -> SDXLTextStage {
        if let text { return text }
        let first = checkpoint.textEncoder
        let second = checkpoint.textEncoder2
        let stage = SDXLTextStage(
            first: try CLIPTextModel(
                scope(first.weights, .text), first.configuration,
                layerCount: first.configuration.layers - 1),
            second: try CLIPTextModel(
                scope(second.weights, .text), second.configuration, layerCount: second.configuration.layers))
        shedCopied(first.weights, .text)
        shedCopied(second.weights, .text)
        text = stage
        return stage
    }

    mutating func denoiser() throws(WeightError) -> UNet {
        if let unet { return unet }
        let loaded = try UNet(scope(checkpoint.unet.weights, .denoiser), checkpoint.unet.configuration)
        shedCopied(checkpoint.unet.weights, .denoiser)
        unet = loaded
        return loaded
    }

    mutating func pictureStage() throws(WeightError) -> PictureStage {
        if let decoder { return PictureStage(decoder: decoder) }
        let loaded = try VAEDecoder(scope(checkpoint.vae.weights, .decode), checkpoint.vae.configuration)
        shedCopied(checkpoint.vae.weights, .decode)
        decoder = loaded
        return PictureStage(decoder: loaded)
    }

    /// Used once a request, so it is not kept.
    func sourceStage() throws(WeightError) -> SourceStage {
        let encoder = try VAEEncoder(scope(checkpoint.vae.weights, .encode), checkpoint.vae.configuration)
        shedCopied(checkpoint.vae.weights, .encode)
        return SourceStage(encoder: encoder, device: device)
    }

    /// Gives the text encoders' memory back.
    mutating func releaseText() {
        text = nil
        checkpoint.textEncoder.weights.dropPages()
        checkpoint.textEncoder2.weights.dropPages()
    }

    /// Takes the denoiser's mapped weights out of resident memory while another stage works. They come back from the
    /// system's cache of the file when they are next used; copies in another type stay.
    func restDenoiser() { checkpoint.unet.weights.dropPages() }

    private func scope(_ weights: ComponentWeights, _ stage: Stage) -> WeightScope {
        let stagePlan = plan[stage]
        return WeightScope(
            weights,
            placement: Placement(
                device: device, storage: stagePlan.storage.map(DType.init), compute: DType(stagePlan.compute))
        )
    }

    /// After copying into another type or onto a card the mapped original is not needed.
    private func shedCopied(_ weights: ComponentWeights, _ stage: Stage) {
        if plan[stage].storage != nil || device != .cpu { weights.dropPages() }
    }
}

extension ComponentWeights {
    /// Takes the component's mapped pages out of resident memory; they stay readable.
    func dropPages() {
        for source in tensors.values { source.stored.drop() }
    }
}
