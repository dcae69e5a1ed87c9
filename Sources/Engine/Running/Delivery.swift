internal import Generation
internal import Logging
internal import Synchronization

/// Brings a run's pictures to where clients get them: all of them, or none.
final class Delivery: Sendable {
    private let images: any ImageStore
    private let encoder: any PictureEncoder
    private let settings: EngineSettings
    private let time: any Timekeeper
    private let metrics: EngineMetrics
    private let logger: Logger
    /// What was put or may have been.
    private let keys = Mutex<[ImageKey]>([])

    init(
        images: any ImageStore, encoder: any PictureEncoder, settings: EngineSettings,
        time: any Timekeeper, metrics: EngineMetrics, logger: Logger
    ) {
        self.images = images
        self.encoder = encoder
        self.settings = settings
        self.time = time
        self.metrics = metrics
        self.logger = logger
    }

    /// Encodes and stores pictures, each with its thumbnail.
    /// - Throws: ``Failure``: `delivery_failed` after the last try; `CancellationError`. ``takeBack()`` is for the caller.
    @concurrent func deliver(
        _ pictures: [Generation.Result.Painted], of job: Job, progress: @Sendable (Progress) -> Void
    ) async throws -> [StoredPicture] {
        var stored: [StoredPicture] = []
        for (index, picture) in pictures.enumerated() {
            var state = Progress(.saving)
            state.picture = index + 1
            state.pictures = pictures.count
            progress(state)
            let file = try await encoder.encode(picture, job.output)
            let key = try Self.key(job.id, "\(index).\(file.ending)")
            try await put(file.bytes, file.contentType, key)
            var thumbnail: ImageKey?
            if !file.thumbnail.isEmpty {
                let small = try Self.key(job.id, "\(index).thumbnail.jpg")
                try await put(file.thumbnail, "image/jpeg", small)
                thumbnail = small
            }
            stored.append(
                StoredPicture(
                    key: key, thumbnail: thumbnail, contentType: file.contentType,
                    byteCount: file.bytes.count, width: picture.width, height: picture.height,
                    receipt: picture.receipt))
        }
        return stored
    }

    /// Removes what was put.
    func takeBack() async {
        let keys = keys.withLock { keys in
            defer { keys = [] }
            return keys
        }
        guard !keys.isEmpty else { return }
        do {
            try await images.remove(keys)
        } catch {
            logger.error(
                "pictures of an ended job were left in the store",
                metadata: ["keys": "\(keys)", "reason": "\(error)"])
        }
    }

    private func put(_ bytes: [UInt8], _ contentType: String, _ key: ImageKey) async throws {
        // Before the try: one that fails may have put it all the same.
        keys.withLock { $0.append(key) }
        var wait = settings.deliveryWaitSeconds
        for attempt in 1... {
            try Task.checkCancellation()
            do {
                return try await images.put(bytes, contentType: contentType, at: key)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                guard attempt < settings.deliveryTries else {
                    throw Failure(
                        .deliveryFailed,
                        "the picture \(key) could not be stored in \(attempt) tries: \(Failure.of(error).message)"
                    )
                }
                metrics.retriedDelivery()
                logger.notice(
                    "a picture could not be stored, it is tried again",
                    metadata: ["key": "\(key)", "attempt": "\(attempt)", "reason": "\(error)"])
                try await time.sleep(wait)
                wait *= 2
            }
        }
    }

    private static func key(_ job: JobID, _ name: String) throws(Failure) -> ImageKey {
        guard let key = ImageKey("\(job)/\(name)") else {
            throw Failure(.deliveryFailed, "'\(job)/\(name)' is no name for a picture")
        }
        return key
    }
}
