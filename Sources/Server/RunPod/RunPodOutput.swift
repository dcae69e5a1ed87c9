internal import Foundation
internal import Generation

/// Turns finished jobs into `output`: addresses where the store gives them, else the pictures themselves, within what
/// the protocol carries.
struct RunPodOutput: Sendable {
    let images: any ImageStore
    /// Where a client gets a job's picture from this server, by its number and media type; nil where no client can.
    let ownAddress: (@Sendable (JobID, Int, String) -> String)?
    /// Seconds that a store's address holds.
    var lifetime = 604_800

    /// Bytes that the answer of a job may have: what `/run` and `/runsync` carry.
    static let largestAnswer = 10_000_000
    static let largestSyncAnswer = 20_000_000
    /// What surrounds the pictures in an answer: prompts twice, receipts, notes.
    private static let margin = 200_000

    /// How a job's pictures were asked for.
    struct Wish: Sendable, Equatable {
        var shape: RunPodShape
        var delivery: RunPodDelivery
        /// Whether this server's own addresses work without a key.
        var hasOpenAddresses = false
        /// Bytes of the answer.
        var limit: Int
        /// Sentences from before the job ran.
        var notes: [String] = []
    }

    /// - Throws: ``Failure`` `delivery_failed` when the pictures are not there or are more than the answer carries;
    ///   there is no answer with fewer pictures than were painted.
    func output(of record: JobRecord, _ wish: Wish) async throws -> RunPodValue {
        guard case .done(let pictures, let notes, _)? = record.outcome else {
            throw Failure(.deliveryFailed, "the job has no pictures")
        }
        guard pictures.count == record.job.request.count else {
            throw Failure(
                .deliveryFailed,
                "the job has \(pictures.count) of \(record.job.request.count) pictures")
        }
        var all = wish.notes + notes
        var delivered: [Delivered] = []
        let fits = pictures.reduce(0) { $0 + Self.base64Count($1.byteCount) } <= wish.limit - Self.margin
        for (number, picture) in pictures.enumerated() {
            let own = ownAddress?(record.job.id, number, picture.contentType)
            let place = try await place(of: picture, own, wish, fits: fits)
            if case .address(let address) = place, address == own, !wish.hasOpenAddresses, number == 0 {
                all.append("the addresses of the pictures want this server's API key")
            }
            delivered.append(Delivered(picture: picture, place: place))
        }
        switch wish.shape {
        case .data:
            var output: RunPodValue = [
                "success": true, "data": .list(delivered.map { dataItem($0, record) }),
            ]
            if !all.isEmpty { output["notes"] = .list(all.map(RunPodValue.text)) }
            return output
        case .images:
            var output: RunPodValue = ["images": .list(delivered.map { imagesItem($0, record) })]
            if !all.isEmpty { output["notes"] = .list(all.map(RunPodValue.text)) }
            return output
        }
    }

    private struct Delivered {
        let picture: StoredPicture
        let place: Place
    }

    private enum Place {
        case address(String)
        case base64(String)
    }

    private func place(
        of picture: StoredPicture, _ own: String?, _ wish: Wish, fits: Bool
    ) async throws -> Place {
        if wish.delivery != .inline {
            if let address = try await images.address(of: picture.key, lifetime: lifetime) {
                return .address(address)
            }
            if let own, wish.delivery == .address || wish.hasOpenAddresses || !fits { return .address(own) }
        }
        guard fits else {
            throw Failure(
                .deliveryFailed,
                "the pictures are more than an answer of \(wish.limit) bytes carries in base64: set up an S3 store, or "
                    + "ask for output_format jpeg or webp, or for fewer pictures",
                field: "delivery")
        }
        guard let image = try await images.get(picture.key, range: nil), image.bytes.count == image.total
        else {
            throw Failure(.deliveryFailed, "the picture '\(picture.key)' is no longer in the store")
        }
        return .base64(Data(image.bytes).base64EncodedString())
    }

    /// Four characters for three bytes.
    private static func base64Count(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// One picture as the former worker described it.
    private func dataItem(_ delivered: Delivered, _ record: JobRecord) -> RunPodValue {
        let (picture, receipt) = (delivered.picture, delivered.picture.receipt)
        var members: [String: RunPodValue] = [
            "id": .text(picture.key.text), "url": .text(url(delivered)),
            "prompt": .text(receipt.prompt), "negativePrompt": .text(receipt.negativePrompt ?? ""),
            "seed": .unsigned(receipt.seed), "width": .whole(picture.width), "height": .whole(picture.height),
            "steps": .whole(receipt.steps),
            "cfgScale": receipt.guidanceScale.map(RunPodValue.number) ?? .null,
            "baseModel": .text(record.job.model), "model": .text(record.job.model),
            "createdAt": .text(Timestamp.text(record.finished ?? record.job.submitted)),
            "type": receipt.sourceSHA256 == nil ? "text-to-image" : "image-to-image",
            "contentType": .text(picture.contentType), "sampler": .text(receipt.sampler),
        ]
        if let strength = receipt.strength { members["denoisingStrength"] = .number(strength) }
        return .object(members)
    }

    /// One picture as worker-comfyui answers it, and what repeats it.
    private func imagesItem(_ delivered: Delivered, _ record: JobRecord) -> RunPodValue {
        let (picture, receipt) = (delivered.picture, delivered.picture.receipt)
        var members: [String: RunPodValue] = [
            "filename": .text(
                picture.key.text.split(separator: "/").last.map(String.init) ?? picture.key.text),
            "seed": .unsigned(receipt.seed), "width": .whole(picture.width), "height": .whole(picture.height),
            "metadata": [
                "model": .text(record.job.model), "prompt": .text(receipt.prompt),
                "negativePrompt": receipt.negativePrompt.map(RunPodValue.text) ?? .null,
                "steps": .whole(receipt.steps), "sampler": .text(receipt.sampler),
                "cfgScale": receipt.guidanceScale.map(RunPodValue.number) ?? .null,
                "checkpoint": .text(receipt.model.sha256), "contentType": .text(picture.contentType),
            ],
        ]
        switch delivered.place {
        case .address(let address):
            members["type"] = "s3_url"
            members["data"] = .text(address)
        case .base64(let text):
            members["type"] = "base64"
            members["data"] = .text(text)
        }
        return .object(members)
    }

    private func url(_ delivered: Delivered) -> String {
        switch delivered.place {
        case .address(let address): address
        case .base64(let text): "data:\(delivered.picture.contentType);base64,\(text)"
        }
    }
}
