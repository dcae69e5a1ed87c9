internal import Engine
internal import Foundation
internal import Generation
internal import Logging
internal import ServiceLifecycle

/// What the RunPod front does while nobody asks: it runs errands, one after another, and tells webhooks.
package struct RunPodBackground: Service {
    let front: RunPodFront
    var logger = Logger(label: "gesso.runpod")
    /// Webhooks that are told at once; further ones wait.
    static let mostWebhooks = 32

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await runErrands() }
                group.addTask { await tellFinished() }
            }
        }
    }

    private func runErrands() async {
        await withTaskGroup(of: Void.self) { webhooks in
            for await id in front.errands.queue {
                guard let task = await front.errands.begin(id) else { continue }
                let finished: RunPodErrands.Errand?
                do {
                    let output = try await front.perform(task)
                    finished = await front.errands.finish(id, .completed, output: output, error: nil)
                } catch is CancellationError {
                    return
                } catch {
                    let rejection = RunPodFront.rejection(error)
                    finished = await front.errands.finish(
                        id, .failed, output: RunPodValue(rejection), error: rejection.message)
                }
                if let finished, let webhook = finished.webhook {
                    webhooks.addTask { await tell(webhook, finished.job) }
                }
            }
            webhooks.cancelAll()
        }
    }

    /// Follows the engine's events; a reader that fell behind begins again where it was.
    private func tellFinished() async {
        var last: UInt64?
        while !Task.isCancelled {
            await withTaskGroup(of: Void.self) { group in
                var running = 0
                for await event in await front.parts.jobs.events(caller: nil, after: last) {
                    last = event.id
                    switch event.kind {
                    case .done, .failed, .cancelled: break
                    case .queued, .running, .progress, .requeued: continue
                    }
                    if running >= Self.mostWebhooks {
                        await group.next()
                        running -= 1
                    }
                    running += 1
                    group.addTask { await tellFinished(event.job) }
                }
            }
            // A stream that ends at once would else be asked for without a pause.
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func tellFinished(_ id: JobID) async {
        do {
            guard let record = try await front.parts.jobs.job(id)?.record, record.job.front == front.name,
                let webhook = RunPodDetails(stored: record.job.details).webhook
            else { return }
            await tell(webhook, try await front.wire(record))
        } catch {
            logger.error(
                "A finished job could not be read for its webhook",
                metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    private func tell(_ address: String, _ job: RunPodJob) async {
        let webhook = RunPodWebhook(
            wait: front.settings.webhookWait, allowsPrivate: front.settings.allowsPrivateWebhooks)
        var logger = logger
        logger[metadataKey: "job"] = "\(job.id)"
        do {
            let body = try job.wire(now: front.parts.now(), worker: front.settings.workerID).bytes()
            guard try await webhook.tell(address, body, logger: logger) else {
                logger.error("A webhook was not told in \(webhook.tries) tries: its client must ask")
                return
            }
        } catch {
            logger.warning("A webhook was not told: the server is stopping")
        }
    }
}

extension RunPodFront {
    /// Does what a task that paints nothing asks for.
    func perform(_ task: RunPodTask) async throws -> RunPodValue {
        try await RunPodErrand.perform(task, parts.jobs)
    }
}

/// Tasks that paint nothing, for the front and the worker alike.
enum RunPodErrand {
    static func perform(_ task: RunPodTask, _ jobs: any JobService) async throws -> RunPodValue {
        switch task {
        case .load(let model):
            let status = try await jobs.load(model)
            return ["success": true, "data": ["current_base_model": .text(status.model.id)]]
        case .listLoRAs:
            return ["success": true, "data": ["loras": [], "current_config": [:]]]
        case .listLoRAsByModel:
            var data: [String: RunPodValue] = ["current_selected": [:]]
            for model in await jobs.models() { data[model.model.id] = [] }
            return ["success": true, "data": .object(data)]
        case .paint:
            throw Failure(.badRequest, "a picture is no errand", field: "task_type")
        }
    }
}
