internal import Foundation
package import Generation

/// Where a queue worker takes its jobs and brings its results: what the platform puts into a worker's environment.
package struct RunPodEnvironment: Sendable, Equatable {
    /// The worker's id stands in it.
    let take: String
    /// With `$ID` where a job's id goes.
    let result: String
    let stream: String?
    let ping: String?
    /// Seconds.
    let pingInterval: Double
    /// Sent as `Authorization`, as it is.
    let key: String?
    package let workerID: String
    package let endpointID: String?
    package let hostname: String?
    /// Whether the worker is to be replaced after each job.
    let refreshesWorker: Bool
    /// Whether the platform knows this worker: only then it is told that it lives.
    let isKnown: Bool

    /// - Parameter variables: The process's environment.
    /// - Throws: ``Generation/Failure`` that names the variable.
    package init(_ variables: [String: String]) throws(Failure) {
        func variable(_ name: String) -> String? {
            // Set and empty is as good as not set.
            variables[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        func address(_ name: String) throws(Failure) -> String? {
            guard let text = variable(name) else { return nil }
            guard let url = URL(string: text.replacing("$", with: "x")), url.host != nil,
                url.scheme == "https" || url.scheme == "http"
            else { throw Self.wrong(name, "is '\(Words.shown(text))', which is no http address") }
            return text
        }
        if let port = variable("RUNPOD_REALTIME_PORT"), port != "0" {
            throw Failure(
                .notSupported,
                "RUNPOD_REALTIME_PORT is '\(Words.shown(port))': realtime workers are not supported; 'gesso serve' answers "
                    + "over HTTP", field: "RUNPOD_REALTIME_PORT")
        }
        guard let take = try address("RUNPOD_WEBHOOK_GET_JOB") else {
            throw Self.wrong(
                "RUNPOD_WEBHOOK_GET_JOB",
                "is not set: this is no queue worker of RunPod; 'gesso serve' answers over HTTP")
        }
        guard let result = try address("RUNPOD_WEBHOOK_POST_OUTPUT") else {
            throw Self.wrong("RUNPOD_WEBHOOK_POST_OUTPUT", "is not set: there is nowhere to bring results to")
        }
        guard result.contains("$ID") else {
            throw Self.wrong("RUNPOD_WEBHOOK_POST_OUTPUT", "has no '$ID' where a job's id goes")
        }
        let stream = try address("RUNPOD_WEBHOOK_POST_STREAM")
        let ping = try address("RUNPOD_WEBHOOK_PING")
        var interval = 10_000
        if let text = variable("RUNPOD_PING_INTERVAL") {
            guard let milliseconds = Int(text), (10...3_600_000).contains(milliseconds) else {
                throw Self.wrong(
                    "RUNPOD_PING_INTERVAL",
                    "is '\(Words.shown(text))', it must be from 10 to 3600000 milliseconds")
            }
            interval = milliseconds
        }

        let pod = variable("RUNPOD_POD_ID")
        workerID = pod ?? UUID().uuidString.lowercased()
        key = variable("RUNPOD_AI_API_KEY")
        isKnown = pod != nil && key != nil
        endpointID = variable("RUNPOD_ENDPOINT_ID")
        hostname = variable("RUNPOD_POD_HOSTNAME")
        refreshesWorker = variable("REFRESH_WORKER")?.lowercased() == "true"
        pingInterval = Double(interval) / 1000
        let worker = Self.escaped(workerID)
        self.take = take.replacing("$ID", with: worker)
        self.result = result.replacing("$RUNPOD_POD_ID", with: worker)
        self.stream = stream?.replacing("$RUNPOD_POD_ID", with: worker)
        self.ping = ping?.replacing("$RUNPOD_POD_ID", with: worker)
    }

    private static func wrong(_ name: String, _ what: String) -> Failure {
        Failure(.cannotRun, "\(name) \(what)", field: name)
    }

    // MARK: Addresses

    func takeAddress(count: Int, isBusy: Bool) -> String {
        var address = take
        if count > 1 {
            address = address.replacing("/job-take/", with: "/job-take-batch/")
            address = Self.adding("batch_size=\(count)", to: address)
        }
        return Self.adding("job_in_progress=\(isBusy ? 1 : 0)", to: address)
    }

    /// nil where the take address does not tell where it would be.
    var stopAddress: String? {
        take.contains("/job-take/") ? take.replacing("/job-take/", with: "/job-stop/") : nil
    }

    func resultAddress(job: String, isStream: Bool) -> String {
        Self.adding(
            "isStream=\(isStream)", to: result.replacing("$ID", with: Self.escaped(job)))
    }

    func streamAddress(job: String) -> String? {
        stream.map { Self.adding("isStream=false", to: $0.replacing("$ID", with: Self.escaped(job))) }
    }

    /// - Parameter jobs: Those that are held.
    func pingAddress(jobs: [String], version: String) -> String? {
        guard let ping, isKnown else { return nil }
        let held = jobs.isEmpty ? "" : "job_id=" + jobs.map(Self.escaped).joined(separator: ",") + "&"
        return Self.adding("\(held)runpod_version=\(Self.escaped(version))", to: ping)
    }

    /// Says that a check at the start failed.
    func unhealthyAddress(check: String, reason: String) -> String? {
        guard let ping, isKnown else { return nil }
        let reason = Self.escaped(String(reason.prefix(256)))
        return Self.adding("status=unhealthy&check=\(Self.escaped(check))&reason=\(reason)", to: ping)
    }

    private static func adding(_ parameters: String, to address: String) -> String {
        address + (address.contains("?") ? "&" : "?") + parameters
    }

    private static func escaped(_ text: String) -> String {
        var allowed = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\u{21}"..."\u{7E}"))
        allowed.insert(charactersIn: "-._~")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }
}
