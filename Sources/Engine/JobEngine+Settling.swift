internal import Generation
internal import Logging

internal import struct Foundation.Date

extension JobEngine {
    /// Writes down what became of a run, then says it.
    func settle(
        _ record: JobRecord, _ lease: Lease, _ result: Swift.Result<Painting, any Error>,
        _ delivery: Delivery,
        seconds: Double
    ) async {
        let job = record.job
        switch Ending(result, stoppedFor: runs[job.id]?.state.settle()) {
        case .lost:
            // Its pictures stay: the run that holds the lease now puts its own in the same places.
            logger.error("a run lost its lease, nothing is written", metadata: ["job": "\(job.id)"])
        case .giveBack:
            await delivery.takeBack()
            await giveBack(job, lease)
        case .finish(let outcome):
            if case .done = outcome {} else { await delivery.takeBack() }
            if case .success(let painting) = result, case .done = outcome {
                learn(job.model, painting, seconds)
            }
            await write(
                EndedRun(
                    lease: lease, caller: job.caller, model: job.model, outcome: outcome, at: time.date,
                    seconds: seconds))
        }
    }

    private func learn(_ model: String, _ painting: Painting, _ seconds: Double) {
        speeds[model, default: PaintingSpeed()].learn(painting.result, steps: painting.steps)
        jobSeconds.add(seconds)
        metrics.painted(model: model, painting.result)
    }

    func tell(_ job: EndedRun) {
        let id = job.lease.job
        var facts: Logger.Metadata = ["job": "\(id)", "model": "\(job.model)", "seconds": "\(job.seconds)"]
        let kind: JobEvent.Kind
        switch job.outcome {
        case .done(let pictures, _, _):
            kind = .done(pictures)
            facts["status"] = "done"
        case .failed(let failure):
            kind = .failed(failure)
            facts["status"] = "failed"
            facts["code"] = "\(failure.code.rawValue)"
            // What is wrong with a request may quote it, and prompts are not logged.
            if failure.code != .badRequest { facts["reason"] = "\(failure)" }
        case .cancelled:
            kind = .cancelled
            facts["status"] = "cancelled"
        }
        ended(id, caller: job.caller, model: job.model, kind, seconds: job.seconds)
        logger.info("job ended", metadata: facts)
    }

    private func giveBack(_ job: Job, _ lease: Lease) async {
        do {
            guard try await store.giveBack(lease) else { return }
            if let record = try await store.record(job.id), record.status == .cancelled {
                // Somebody had asked for that, and the store knew it first.
                return ended(job.id, caller: job.caller, model: job.model, .cancelled)
            }
            hub.publish(.requeued, job: job.id, caller: job.caller)
            logger.notice("job given back", metadata: ["job": "\(job.id)"])
        } catch {
            logger.error(
                "a job could not be given back", metadata: ["job": "\(job.id)", "reason": "\(error)"])
        }
    }
}

/// What a run's end comes to.
enum Ending: Sendable, Equatable {
    case finish(JobOutcome)
    case giveBack
    /// Somebody else's by now.
    case lost

    /// Pictures that are delivered count, except for who cancelled the job and for who lost it.
    init(_ result: Swift.Result<Painting, any Error>, stoppedFor reason: RunState.Reason?) {
        switch (result, reason) {
        case (_, .lost): self = .lost
        case (_, .cancelled): self = .finish(.cancelled)
        case (.success(let painting), _):
            self = .finish(
                .done(painting.pictures, notes: painting.result.notes, seconds: painting.result.seconds))
        case (.failure(let error), .timedOut) where error is CancellationError:
            self = .finish(.failed(Failure(.timedOut, "it ran longer than it may")))
        case (.failure(let error), .expired) where error is CancellationError:
            self = .finish(.failed(Failure(.expired, "the deadline came before the picture")))
        case (.failure(let error), .givenBack) where error is CancellationError: self = .giveBack
        case (.failure(let error), _) where error is CancellationError:
            self = .finish(.failed(Failure(.cannotRun, "the model ended the run without saying why")))
        case (.failure(let error), _): self = .finish(.failed(Failure.of(error)))
        }
    }
}
