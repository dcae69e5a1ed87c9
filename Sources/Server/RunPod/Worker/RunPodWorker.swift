internal import AsyncHTTPClient
package import Engine
internal import Foundation
package import Generation
package import Logging
internal import NIOCore
internal import ServiceLifecycle

/// A queue worker of RunPod: takes jobs, has the engine run them, and brings the results.
///
/// In a `ServiceGroup` it stands behind the engine, so that it is told to stop first: then it takes no more jobs, finishes
/// those it holds, brings their results, and returns.
package struct RunPodWorker: Service {
    let environment: RunPodEnvironment
    let jobs: any JobService
    let images: any ImageStore
    let fetcher: any PictureFetching
    let settings: RunPodWorkerSettings
    let checks: [RunPodCheck]
    let logger: Logger
    let held = RunPodHeld()

    package init(
        environment: RunPodEnvironment, jobs: any JobService, images: any ImageStore,
        fetcher: any PictureFetching = PictureFetcher(limits: ServerLimits()),
        settings: RunPodWorkerSettings = RunPodWorkerSettings(), checks: [RunPodCheck] = [], logger: Logger
    ) {
        self.environment = environment
        self.jobs = jobs
        self.images = images
        self.fetcher = fetcher
        self.settings = settings
        self.checks = checks
        self.logger = logger
    }

    /// What jobs of this worker are called in the engine.
    static let caller = "runpod"
    static let front = "runpod-worker"

    /// - Throws: What a check found wrong.
    package func run() async throws {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .follow(max: 3, allowCycles: false),
            timeout: .init(connect: .seconds(10)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            let source = RunPodSource(
                client: client, environment: environment, settings: settings, logger: logger)
            try await check(source)
            await work(source)
        }
    }

    private func check(_ source: RunPodSource) async throws {
        for check in checks {
            do {
                try await check.body()
            } catch {
                logger.critical(
                    "A check at the start failed", metadata: ["check": "\(check.name)", "error": "\(error)"])
                if let address = environment.unhealthyAddress(check: check.name, reason: "\(error)") {
                    await source.tellUnhealthy(address)
                }
                throw error
            }
        }
    }

    /// Takes jobs until it is told to stop and has finished those it holds; the other loops end with it.
    private func work(_ source: RunPodSource) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await takeJobs(source)
                return true
            }
            group.addTask {
                await ping(source)
                return false
            }
            group.addTask {
                await followStops(source)
                return false
            }
            while let isOver = await group.next() {
                if isOver { group.cancelAll() }
            }
        }
    }

    // MARK: Loops

    private func takeJobs(_ source: RunPodSource) async {
        await withDiscardingTaskGroup { running in
            var taken = 0
            while !Task.isCancelled {
                let free = await held.waitForRoom(of: max(1, settings.concurrency))
                if Task.isShuttingDownGracefully || (environment.refreshesWorker && taken > 0) { break }
                let pause: Double
                switch await take(source, count: free) {
                case .jobs(let jobs):
                    pause = jobs.isEmpty ? settings.emptyPause : 0
                    for job in jobs {
                        guard await held.add(job.id) else {
                            logger.warning("A job was handed out twice", metadata: ["job": "\(job.id)"])
                            continue
                        }
                        taken += 1
                        running.addTask { await finish(job, source) }
                    }
                case .none: pause = settings.emptyPause
                case .tooMany: pause = settings.busyPause
                case .failed(let reason):
                    pause = settings.errorPause
                    logger.warning("No job could be taken", metadata: ["reason": "\(reason)"])
                }
                if pause > 0 { await rest(pause) }
            }
            let left = await held.count
            logger.info("No more jobs are taken", metadata: ["held": "\(left)"])
        }
    }

    /// A question that is open when the worker is told to stop is taken back.
    private func take(_ source: RunPodSource, count: Int) async -> RunPodSource.Taken {
        let isBusy = !(await held.isEmpty)
        do {
            return try await cancelWhenGracefulShutdown {
                try await source.take(count: count, isBusy: isBusy)
            }
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            // Nothing came while the question was open.
            return .jobs([])
        } catch {
            return Task.isCancelled || Task.isShuttingDownGracefully ? .none : .failed("\(error)")
        }
    }

    /// Sleeps, unless the worker is told to stop.
    private func rest(_ seconds: Double) async {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(seconds)) }
    }

    /// In a task of its own: a long step of the engine does not keep it.
    private func ping(_ source: RunPodSource) async {
        while !Task.isCancelled {
            let jobs = await held.ids
            guard let address = environment.pingAddress(jobs: jobs, version: settings.protocolVersion) else {
                logger.info(
                    "No signs of life are sent: RUNPOD_WEBHOOK_PING, RUNPOD_POD_ID or RUNPOD_AI_API_KEY is not set"
                )
                return
            }
            do {
                try await source.ping(address)
            } catch is CancellationError {
                return
            } catch {
                logger.warning("A sign of life could not be sent", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(environment.pingInterval))
        }
    }

    private func followStops(_ source: RunPodSource) async {
        guard let address = environment.stopAddress else {
            logger.warning("Jobs cannot be stopped from outside: RUNPOD_WEBHOOK_GET_JOB has no '/job-take/'")
            return
        }
        while !Task.isCancelled {
            var pause = settings.stopPause
            do {
                switch try await source.stops(at: address) {
                case .jobs(let ids):
                    for id in ids { await stop(id) }
                    if !ids.isEmpty { pause = 0 }
                case .none: break
                case .tooMany: pause = settings.busyPause
                case .failed(let reason):
                    logger.warning("The stop channel failed", metadata: ["reason": "\(reason)"])
                }
            } catch is CancellationError {
                return
            } catch let error as HTTPClientError where error == .deadlineExceeded {
                pause = 0
            } catch {
                logger.warning("The stop channel failed", metadata: ["error": "\(error)"])
            }
            if pause > 0 { try? await Task.sleep(for: .seconds(pause)) }
        }
    }

    private func stop(_ id: String) async {
        guard let job = await held.stop(id) else { return }
        logger.info("A job is stopped from outside", metadata: ["job": "\(id)"])
        do {
            _ = try await jobs.cancel(job)
        } catch {
            logger.error("A job could not be stopped", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }
}
