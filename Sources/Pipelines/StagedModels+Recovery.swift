internal import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import Torch

// The stages of a run, checked: when numbers cannot be a picture, they are computed again from where they began, one rung
// wider at a time.
extension StagedModels {
    /// Encodes text; when it gave none, again with the encoder at fault in float32, each encoder once.
    mutating func encodeText<Encoded>(
        _ record: inout RecoveryRecord, _ encode: (inout Self) throws -> Encoded
    ) throws -> Encoded {
        var tried: [(anomaly: Anomaly, from: StagePlan, promotion: Promotion?)] = []
        while true {
            do {
                let encoded = try encode(&self)
                for (anomaly, before, promotion) in tried {
                    record.keep(
                        anomaly, from: before, to: plan[anomaly.stage],
                        outcome: promotion == nil ? .repeated : .promoted,
                        learning: [promotion].compactMap(\.self))
                }
                return encoded
            } catch let anomaly as Anomaly {
                PrecisionCounters.shared.count(anomaly)
                let suspects = suspects(anomaly)
                guard !suspects.isEmpty || !tried.contains(where: { $0.anomaly.stage == anomaly.stage })
                else {
                    throw Failure(
                        .notFinite,
                        "\(anomaly), also when encoded again in fp32: the text encoder is damaged")
                }
                try record.begin(anomaly)
                if suspects.isEmpty { tried.append((anomaly, plan[anomaly.stage], nil)) }
                for stage in suspects {
                    // What a text encoder takes hangs on no picture's size.
                    try requireMemory(for: stage, width: 0, height: 0, anomaly)
                    let wider = Promotion(stage, .compute(.fp32), evidence: "\(anomaly)")
                    tried.append((anomaly.blaming(stage), plan[stage], wider))
                    promote(wider)
                }
            }
        }
    }

    /// The text encoders that may be at fault and are not in float32 yet: a conditioning is made of all of them.
    private func suspects(_ anomaly: Anomaly) -> [Stage] {
        let stages: [Stage] =
            anomaly.check == .conditioning ? [.textEncoder, .textEncoder2] : [anomaly.stage]
        return stages.filter { plan[$0].compute != .fp32 }
    }

    /// Encodes the source picture; once more in float32 when the first try gave none.
    mutating func encodeSource(
        _ source: SourcePicture, _ record: inout RecoveryRecord, progress: (Int, Int) throws -> Void
    ) throws -> VAEEncoder.Moments {
        do {
            return try sourceStage(exact: false).encode(source, progress: progress)
        } catch let anomaly as Anomaly {
            PrecisionCounters.shared.count(anomaly)
            try record.begin(anomaly)
            let before = plan[.encode]
            var promotion: Promotion?
            if before.compute != .fp32 {
                try requireMemory(for: .encode, width: source.width, height: source.height, anomaly)
                let wider = Promotion(.encode, .compute(.fp32), evidence: "\(anomaly)")
                promote(wider)
                promotion = wider
            }
            do {
                let moments = try sourceStage(exact: true).encode(source, progress: progress)
                record.keep(
                    anomaly, from: before, to: plan[.encode],
                    outcome: promotion == nil ? .repeated : .promoted,
                    learning: [promotion].compactMap(\.self))
                return moments
            } catch let again as Anomaly {
                throw Failure(
                    .notFinite,
                    "\(again), also in fp32: the autoencoder makes nothing of the source picture; another VAE may help "
                        + "(--vae)")
            }
        }
    }

    /// Takes a step; when it went wrong, again from where it began: first as it was, watched layer by layer, then one
    /// rung wider at a time.
    /// - Parameters:
    ///   - facts: What is known of the device.
    ///   - predictor: Makes the denoiser's function; called again after a promotion.
    mutating func advance(
        _ step: Int, _ loop: inout DenoisingLoop, _ facts: DeviceFacts, _ record: inout RecoveryRecord,
        _ predictor: (inout Self) throws -> (Tensor, Double) throws -> Tensor
    ) throws {
        let anomaly: Anomaly
        do {
            return try loop.advance(step, plan[.denoiser].compute, predict: predictor(&self))
        } catch let found as Anomaly {
            anomaly = found
        }
        PrecisionCounters.shared.count(anomaly)
        let before = plan[.denoiser]
        var site: String?
        var promotion: Promotion?
        var needed: [Promotion] = []
        while true {
            try record.begin(anomaly)
            if let promotion {
                try requireMemory(for: .denoiser, loop.latents, anomaly)
                promote(promotion)
                // Places widened one after the other are needed together; another format for all makes up for them.
                if case .compute = promotion.change { needed = [] }
                needed.append(promotion)
            }
            let predict = try predictor(&self)
            let format = plan[.denoiser].compute
            let (result, seen) =
                observers[.denoiser].map { observer in
                    observer.observe { try loop.advance(step, format, predict: predict) }
                } ?? (.failure(anomaly), [])
            site = seen.firstNotFinite?.path ?? site
            switch result {
            case .success:
                record.keep(
                    anomaly, site: site, from: before, to: plan[.denoiser],
                    outcome: needed.isEmpty ? .repeated : .promoted, learning: needed)
                return
            case .failure(let again as Anomaly):
                promotion = RecoveryLadder.next(
                    .denoiser, plan[.denoiser], site: seen.firstNotFinite?.path,
                    hasBF16: facts.hasNativeBF16, evidence: "\(again)")
                guard promotion == nil else { continue }
                throw Failure(
                    .notFinite,
                    "\(again)\(site.map { ", first in \($0)" } ?? ""), also in fp32: no format paints this; the "
                        + "denoiser's weights or the request are at fault")
            case .failure(let error):
                throw error
            }
        }
    }

    /// Decodes; a tile that is none is decoded again in float32, alone, and a picture that looks like none is kept only
    /// when float32 gives the same. The pictures that follow are decoded in what this one needed.
    mutating func decode(
        _ latents: Tensor, _ record: inout RecoveryRecord, progress: (Int, Int) throws -> Void
    ) throws -> Picture {
        let learned = record.learned.count
        let picture = try checkedPicture(latents, &record, progress: progress)
        for promotion in record.learned.dropFirst(learned).prefix(1) { promote(promotion) }
        return picture
    }

    private mutating func checkedPicture(
        _ latents: Tensor, _ record: inout RecoveryRecord, progress: (Int, Int) throws -> Void
    ) throws -> Picture {
        let before = plan[.decode]
        let stage = try pictureStage()
        var isFirst = true
        let picture = try stage.decode(
            latents,
            redo: { anomaly, part, index in
                PrecisionCounters.shared.count(anomaly)
                // A format that is too narrow fails in every tile alike, which is one thing that went wrong.
                if isFirst || before.compute == .fp32 { try record.begin(anomaly) }
                isFirst = false
                return try redecode(part, index, of: stage.tileCount(latents), anomaly, &record)
            }, progress: progress)
        guard let suspicion = Guards.suspicion(picture.pixels) else { return picture }
        let anomaly = Anomaly(check: .picture, stage: .decode, place: "the picture", found: suspicion)
        PrecisionCounters.shared.count(anomaly)
        if before.compute != .fp32 { try requireMemory(for: .decode, latents, anomaly) }
        let exact = try exactPictureStage().decode(latents, progress: { _, _ in })
        if Guards.suspicion(exact.pixels) == nil {
            try record.begin(anomaly)
            keepDecoded(anomaly, before, &record)
            return exact
        }
        // A second look at what is meant to look so mends nothing, and is no attempt: pictures may all be meant so.
        let difference = zip(picture.pixels, exact.pixels).map { Int($0).distance(to: Int($1)).magnitude }
            .max()
        guard let difference, difference <= 8 else {
            throw Failure(
                .notFinite,
                "\(anomaly); decoded again in fp32 it looks otherwise and still like none: the decoder is broken"
            )
        }
        guard try !exactPictureStage().isBlind(on: latents.device) else {
            throw Failure(
                .notFinite,
                "\(anomaly), also in fp32, and noise decodes to the like: the decoder gives that whatever it is given; "
                    + "another VAE may help (--vae)")
        }
        record.keep(anomaly, from: before, to: before.exact(.decode), outcome: .confirmed)
        return exact
    }

    private mutating func redecode(
        _ latents: Tensor, _ index: Int, of count: Int, _ anomaly: Anomaly, _ record: inout RecoveryRecord
    ) throws -> Tensor {
        let before = plan[.decode]
        if before.compute != .fp32 { try requireMemory(for: .decode, latents, anomaly) }
        let exact = try exactPictureStage()
        let (result, seen) =
            observers[.decode].map { observer in
                observer.observe { try exact.tile(latents, index, of: count) }
            } ?? (.failure(anomaly), [])
        switch result {
        case .success(let pixels):
            keepDecoded(anomaly, before, &record)
            return pixels
        case .failure(let again as Anomaly):
            let site = seen.firstNotFinite.map { ", first in \($0.path)" } ?? ""
            throw Failure(
                .notFinite, "the decoded picture: \(again)\(site), also in fp32; another VAE may help (--vae)"
            )
        case .failure(let error): throw error
        }
    }

    /// Asks whether a stage has room for a wider format, before it is tried.
    ///
    /// A wider stage keeps its weights as the file has them and casts them layer by layer, so that what grows is its
    /// features, and the largest weight's copy.
    private func requireMemory(
        for stage: Stage, width: Int, height: Int, _ anomaly: Anomaly
    ) throws(Failure) {
        let facts = facts(width: width, height: height).stages[stage]
        let bytes = (facts?.activationBytes ?? 0) + (facts?.largestTensor ?? 0) * NumberFormat.fp32.byteCount
        try RecoveryRecord.requireMemory(bytes, on: device(of: stage), anomaly)
    }

    /// - Parameter latents: `[1, channels, height, width]`: what the stage computes from.
    private func requireMemory(for stage: Stage, _ latents: Tensor, _ anomaly: Anomaly) throws(Failure) {
        try requireMemory(
            for: stage, width: latents.shape[3] * checkpoint.factor,
            height: latents.shape[2] * checkpoint.factor, anomaly)
    }

    private func keepDecoded(_ anomaly: Anomaly, _ before: StagePlan, _ record: inout RecoveryRecord) {
        let wasExact = before.compute == .fp32
        record.keep(
            anomaly, from: before, to: before.exact(.decode), outcome: wasExact ? .repeated : .promoted,
            learning: wasExact ? [] : [Promotion(.decode, .compute(.fp32), evidence: "\(anomaly)")])
    }
}

extension StagePlan {
    /// The same in float32.
    func exact(_ stage: Stage) -> StagePlan {
        var exact = self
        Promotion(stage, .compute(.fp32), evidence: "").apply(to: &exact)
        return exact
    }
}
