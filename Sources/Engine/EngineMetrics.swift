internal import Generation
internal import Metrics

/// What the engine counts and measures, by name.
///
/// Labels come from the configuration and closed lists alone: models, stages, codes; never a prompt, a caller or a job.
struct EngineMetrics: Sendable {
    enum Name {
        static let jobs = "gesso_jobs_total"
        static let stageSeconds = "gesso_stage_seconds"
        static let jobSeconds = "gesso_job_seconds"
        static let waitSeconds = "gesso_queue_wait_seconds"
        static let queued = "gesso_queue_jobs"
        static let oldestSeconds = "gesso_queue_oldest_seconds"
        static let running = "gesso_running_jobs"
        static let switches = "gesso_model_switches_total"
        static let switchSeconds = "gesso_model_switch_seconds"
        static let loadFailures = "gesso_model_load_failures_total"
        static let residentBytes = "gesso_resident_bytes"
        static let recoveries = "gesso_precision_recoveries_total"
        static let nonFinite = "gesso_non_finite_total"
        static let degenerate = "gesso_degenerate_pictures_total"
        static let pictures = "gesso_pictures_total"
        static let memoryRetries = "gesso_out_of_memory_retries_total"
        static let deliveryRetries = "gesso_delivery_retries_total"
    }

    /// nil for the process's own, which the composition root sets up.
    private let factory: (any MetricsFactory)?

    init(_ factory: (any MetricsFactory)? = nil) { self.factory = factory }

    /// What became of a job: `done`, `cancelled`, or the failure's code.
    /// - Parameter seconds: nil for one that did not run.
    func ended(model: String, _ kind: JobEvent.Kind, seconds: Double?) {
        let reason: String
        switch kind {
        case .done: reason = "done"
        case .cancelled: reason = "cancelled"
        case .failed(let failure):
            reason = failure.code.rawValue
            if failure.code == .notFinite { count(Name.nonFinite, 1, [("model", model)]) }
        case .queued, .running, .progress, .requeued: return
        }
        count(Name.jobs, 1, [("model", model), ("reason", reason)])
        if let seconds { record(Name.jobSeconds, seconds, [("model", model)]) }
    }

    func waited(model: String, seconds: Double) { record(Name.waitSeconds, seconds, [("model", model)]) }

    func painted(model: String, _ result: Generation.Result) {
        for (stage, seconds) in result.seconds {
            record(Name.stageSeconds, seconds, [("model", model), ("stage", stage.rawValue)])
        }
        count(Name.pictures, result.pictures.count, [("model", model)])
        recovered(model: model, result.pictures.flatMap(\.receipt.recoveries))
    }

    /// Check D7 finds pictures of one colour; all others find numbers that are none.
    func recovered(model: String, _ recoveries: [Recovery]) {
        for recovery in recoveries {
            let labels = [
                ("model", model), ("stage", recovery.stage), ("check", recovery.check),
                ("outcome", recovery.outcome.rawValue),
            ]
            count(Name.recoveries, 1, labels)
            count(recovery.check == "D7" ? Name.degenerate : Name.nonFinite, 1, [("model", model)])
        }
    }

    func queue(count: Int, oldestSeconds: Double, running: Int) {
        set(Name.queued, Double(count))
        set(Name.oldestSeconds, oldestSeconds)
        set(Name.running, Double(running))
    }

    func switched(model: String, seconds: Double) {
        count(Name.switches, 1, [("model", model)])
        record(Name.switchSeconds, seconds, [("model", model)])
    }

    func loadFailed(model: String, _ failure: Failure) {
        count(Name.loadFailures, 1, [("model", model), ("reason", failure.code.rawValue)])
    }

    func resident(bytes: Int) { set(Name.residentBytes, Double(bytes)) }
    func retriedForMemory(model: String) { count(Name.memoryRetries, 1, [("model", model)]) }
    func retriedDelivery() { count(Name.deliveryRetries, 1, []) }

    private func count(_ name: String, _ number: Int, _ labels: [(String, String)]) {
        Counter(label: name, dimensions: labels, factory: factory ?? MetricsSystem.factory).increment(
            by: Int64(number))
    }

    private func set(_ name: String, _ value: Double) {
        Gauge(label: name, dimensions: [], factory: factory ?? MetricsSystem.factory).record(value)
    }

    /// Seconds, as a histogram.
    private func record(_ name: String, _ seconds: Double, _ labels: [(String, String)]) {
        Recorder(
            label: name, dimensions: labels, aggregate: true, factory: factory ?? MetricsSystem.factory
        ).record(seconds)
    }
}
