internal import Engine
internal import Foundation
internal import Generation
internal import Hummingbird
internal import Logging

/// One held job, from its input to its result. All that is posted for it is posted here, one after another: progress
/// never races the result.
extension RunPodWorker {
    private enum Outcome {
        case output(RunPodValue)
        case failed(RunPodValue, message: String)
        /// Stopped from outside, or the worker ends: nothing is posted.
        case stopped
    }

    func finish(_ job: RunPodHeldJob, _ source: RunPodSource) async {
        logger.info("A job begins", metadata: ["job": "\(job.id)"])
        var isStream = false
        let outcome = await outcome(of: job, source, isStream: &isStream)
        let isStopped = await held.isStopped(job.id)
        if !isStopped, let bytes = body(of: outcome, job) {
            let isTaken = await source.postResult(bytes, isStream: isStream, job: job.id)
            logger.info("A job is over", metadata: ["job": "\(job.id)", "taken": "\(isTaken)"])
        } else {
            logger.info("A job was stopped", metadata: ["job": "\(job.id)"])
        }
        await held.remove(job.id)
    }

    /// The result's JSON; nil for a job that was stopped. What is larger than the platform takes fails, and says so.
    private func body(of outcome: Outcome, _ job: RunPodHeldJob) -> [UInt8]? {
        var body: RunPodValue
        switch outcome {
        case .stopped: return nil
        case .output(let output): body = ["output": output]
        case .failed(let output, let message): body = ["error": .text(message), "output": output]
        }
        if environment.refreshesWorker { body["stopPod"] = true }
        let limit = Self.limit(of: job)
        do {
            let bytes = try body.bytes()
            guard bytes.count > limit else { return bytes }
            throw Failure(
                .deliveryFailed,
                "the result has \(bytes.count) bytes, more than the \(limit) that RunPod takes")
        } catch {
            let rejection = RunPodFront.rejection(error)
            let failed: RunPodValue = ["error": .text(rejection.message), "output": RunPodValue(rejection)]
            // Texts always encode.
            return (try? failed.bytes()) ?? Array(#"{"error":"the result is no JSON"}"#.utf8)
        }
    }

    /// Bytes that a result may have: jobs of `/runsync` carry more.
    private static func limit(of job: RunPodHeldJob) -> Int {
        job.id.hasPrefix("sync-") ? RunPodOutput.largestSyncAnswer : RunPodOutput.largestAnswer
    }

    private func outcome(
        of job: RunPodHeldJob, _ source: RunPodSource, isStream: inout Bool
    ) async -> Outcome {
        do {
            guard let input = job.input else {
                throw Failure.badRequest("input", "'input' is missing: what the job is")
            }
            switch try RunPodInput.parse(input) {
            case .paint(let painting):
                isStream = painting.isStreamed && environment.stream != nil
                return try await paint(painting, job, source, isStream: isStream)
            case let task:
                return .output(try await RunPodErrand.perform(task, jobs))
            }
        } catch is CancellationError {
            return .stopped
        } catch {
            let rejection = RunPodFront.rejection(error)
            if rejection.status == .internalServerError, !(error is Failure) {
                logger.error("A job failed", metadata: ["job": "\(job.id)", "error": "\(error)"])
            }
            return .failed(RunPodValue(rejection), message: rejection.message)
        }
    }

    private func paint(
        _ painting: RunPodPainting, _ held: RunPodHeldJob, _ source: RunPodSource, isStream: Bool
    ) async throws -> Outcome {
        let store = try store(of: held)
        var request = painting.request
        if let address = painting.imageAddress { request.image = try await fetcher.picture(at: address) }
        let models = await jobs.models().map(\.model.id)
        guard let model = painting.model ?? settings.defaultModel ?? models.first else {
            throw Failure(.unknownModel, "no model is configured on this worker", field: "model")
        }
        // Ids of the platform fit; one that does not gets another name in here alone.
        guard let id = JobID(held.id) ?? JobID(RunPodFront.makeID(isSync: false)) else {
            throw Failure.badRequest("id", "the job's id is none")
        }
        let job = Job(
            id: id, caller: Self.caller, model: model, request: request, output: painting.output,
            submitted: Date(), front: Self.front)
        _ = try await jobs.submit(job)
        if await !self.held.submit(held.id, as: id) {
            // The stop came before the engine had it.
            _ = try await jobs.cancel(id)
        }
        let record = try await follow(id, held, source, isStream: isStream)

        switch record.outcome {
        case .done(let pictures, _, _)?:
            let wish = RunPodOutput.Wish(
                shape: painting.shape, delivery: painting.delivery, limit: Self.limit(of: held),
                notes: painting.notes)
            if let store { try await copy(pictures, to: store) }
            let output = try await RunPodOutput(images: store ?? images, ownAddress: nil).output(
                of: record, wish)
            if isStream, let address = environment.streamAddress(job: held.id) {
                let piece: RunPodValue = ["output": output]
                if try piece.bytes().count <= RunPodSettings.largestPiece, await !self.held.isStopped(held.id)
                {
                    await source.postOnTheWay(piece, to: address, job: held.id)
                }
            }
            try await forget(id, pictures, isCopied: store != nil, wish)
            return .output(output)
        case .failed(let failure)?:
            _ = try await jobs.remove(id)
            return .failed(RunPodValue(failure), message: failure.message)
        case .cancelled?:
            _ = try await jobs.remove(id)
            // Nobody outside asked for it: the one who waits for the job must hear of it.
            let failure = Failure(.interrupted, "the job was cancelled in the worker")
            return await self.held.isStopped(held.id)
                ? .stopped : .failed(RunPodValue(failure), message: failure.message)
        case nil:
            throw Failure(.interrupted, "the job ended without a result")
        }
    }

    /// Posts how far the job is until it has finished; of one that was stopped nothing, but its end is waited for: until
    /// then it takes the engine's time.
    private func follow(
        _ id: JobID, _ held: RunPodHeldJob, _ source: RunPodSource, isStream: Bool
    ) async throws -> JobRecord {
        var posted: Generation.Progress?
        while true {
            guard let record = try await jobs.wait(for: id, seconds: settings.progressSeconds)?.record else {
                throw Failure(.interrupted, "the job is no longer in the engine")
            }
            if record.status.isFinished { return record }
            try Task.checkCancellation()
            guard let progress = record.progress, progress != posted, await !self.held.isStopped(held.id)
            else { continue }
            posted = progress
            let value = RunPodValue(progress)
            if isStream, let address = environment.streamAddress(job: held.id) {
                await source.postOnTheWay(["output": value], to: address, job: held.id)
            } else {
                await source.postOnTheWay(
                    ["status": .text(RunPodStatus.running.rawValue), "output": value],
                    to: environment.resultAddress(job: held.id, isStream: false), job: held.id)
            }
        }
    }

    // MARK: Pictures

    private func store(of held: RunPodHeldJob) throws -> (any ImageStore)? {
        guard let value = held.store else { return nil }
        guard let makeStore = settings.makeStore else {
            throw Failure(
                .notSupported,
                "'s3Config' is not supported by this worker: set BUCKET_ENDPOINT_URL for all jobs",
                field: "s3Config")
        }
        guard case .object(let object) = value else {
            throw Failure.badRequest("s3Config", "'s3Config' is \(value.kind), it must be an object")
        }
        return try makeStore(try RunPodStore(object, "s3Config"))
    }

    private func copy(_ pictures: [StoredPicture], to store: any ImageStore) async throws {
        for picture in pictures {
            guard let image = try await images.get(picture.key, range: nil) else {
                throw Failure(.deliveryFailed, "the picture '\(picture.key)' is no longer in the store")
            }
            try await store.put(image.bytes, contentType: image.contentType, at: picture.key)
        }
    }

    /// Pictures that went out with the answer are not kept; those that an address leads to are.
    private func forget(
        _ id: JobID, _ pictures: [StoredPicture], isCopied: Bool, _ wish: RunPodOutput.Wish
    ) async throws {
        var isHere = false
        if !isCopied, wish.delivery != .inline, let first = pictures.first {
            isHere = try await images.address(of: first.key, lifetime: 60) != nil
        }
        if !isHere { _ = try await jobs.remove(id) }
    }
}
