internal import AsyncHTTPClient
internal import Foundation
internal import Generation
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// The platform's side of a queue worker, over HTTP.
struct RunPodSource: Sendable {
    let client: HTTPClient
    let environment: RunPodEnvironment
    let settings: RunPodWorkerSettings
    let logger: Logger

    /// Bytes of an answer: jobs with their pictures.
    private static let largestAnswer = 64 << 20

    enum Taken: Sendable {
        case jobs([RunPodHeldJob])
        case none
        /// Ask less often.
        case tooMany
        case failed(String)
    }

    enum Stops: Sendable {
        case jobs([String])
        case none
        case tooMany
        case failed(String)
    }

    // MARK: Jobs

    /// Asks for jobs and waits for them.
    /// - Throws: `CancellationError`, and what the connection throws.
    func take(count: Int, isBusy: Bool) async throws -> Taken {
        let (status, body) = try await get(environment.takeAddress(count: count, isBusy: isBusy))
        switch status {
        case 200: return jobs(in: body)
        // 400 is what a worker sees that is being frozen or thawed.
        case 204, 400: return .none
        case 429: return .tooMany
        default: return .failed("the job source answered with \(status)")
        }
    }

    private func jobs(in body: [UInt8]) -> Taken {
        guard !body.isEmpty else { return .none }
        let value: JSONValue
        do {
            value = try JSONParser.parse(body)
        } catch {
            logger.error("A job could not be read", metadata: ["reason": "\(error.message)"])
            return .none
        }
        switch value {
        case .object: return .jobs([value].compactMap(held))
        case .array(let elements): return .jobs(elements.compactMap(held))
        case .null, .bool, .number, .string: return .none
        }
    }

    private func held(_ value: JSONValue) -> RunPodHeldJob? {
        guard case .object(let object) = value, case .string(let id)? = object["id"], !id.isEmpty else {
            logger.error("A job without an id was passed over")
            return nil
        }
        return RunPodHeldJob(id: id, input: object["input"], store: object["s3Config"])
    }

    /// Asks which jobs are to stop, and waits for one.
    func stops(at address: String) async throws -> Stops {
        let (status, body) = try await get(address)
        switch status {
        case 200:
            guard !body.isEmpty, case .object(let object) = try JSONParser.parse(body),
                case .array(let elements)? = object["jobsToStop"]
            else { return .failed("the stop channel's answer has no list 'jobsToStop'") }
            return .jobs(
                elements.compactMap { element in
                    if case .string(let id) = element { id } else { nil }
                })
        case 204: return .none
        case 429: return .tooMany
        default: return .failed("the stop channel answered with \(status)")
        }
    }

    // MARK: Signs of life

    /// Says that this worker lives and what it holds; tried again where the platform says so.
    func ping(_ address: String) async throws {
        let pause = min(1, environment.pingInterval / 4)
        for attempt in 1...3 {
            let response = try await client.execute(
                request(address), timeout: Self.time(environment.pingInterval * 2), logger: nil)
            let status = response.status.code
            guard status == 429 || status >= 500 else { return }
            guard attempt < 3 else {
                logger.warning("A sign of life was refused", metadata: ["status": "\(status)"])
                return
            }
            try await Task.sleep(for: .seconds(pause))
        }
    }

    func tellUnhealthy(_ address: String) async {
        do {
            _ = try await client.execute(request(address), timeout: .seconds(2))
        } catch {
            logger.error("The failed check could not be told", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Results

    /// Posts something on the way, once: what is newer replaces it.
    func postOnTheWay(_ body: RunPodValue, to address: String, job: String) async {
        do {
            let status = try await post(
                try body.bytes(), to: address, job: job, seconds: settings.progressTimeout)
            if !(200..<300).contains(status) {
                logger.warning("Progress was not taken", metadata: ["job": "\(job)", "status": "\(status)"])
            }
        } catch {
            logger.warning("Progress could not be posted", metadata: ["job": "\(job)", "error": "\(error)"])
        }
    }

    /// Brings a result, again and again where that may help.
    /// - Returns: Whether it was taken.
    func postResult(_ bytes: [UInt8], isStream: Bool, job: String) async -> Bool {
        let address = environment.resultAddress(job: job, isStream: isStream)
        for wait in settings.resultWaits.map(Optional.some) + [nil] {
            do {
                let status = try await post(bytes, to: address, job: job, seconds: settings.resultSeconds)
                if (200..<300).contains(status) { return true }
                logger.warning("A result was not taken", metadata: ["job": "\(job)", "status": "\(status)"])
                guard status == 408 || status == 429 || status >= 500 else { break }
            } catch is CancellationError {
                break
            } catch {
                logger.warning(
                    "A result could not be posted", metadata: ["job": "\(job)", "error": "\(error)"])
            }
            guard let wait, (try? await Task.sleep(for: .seconds(wait))) != nil else { break }
        }
        logger.error("A result is lost: the job source did not take it", metadata: ["job": "\(job)"])
        return false
    }

    private func post(_ bytes: [UInt8], to address: String, job: String, seconds: Double) async throws -> UInt
    {
        var request = request(address)
        request.method = .POST
        // The platform's own library declares its JSON so.
        request.headers.replaceOrAdd(name: "content-type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "charset", value: "utf-8")
        request.headers.add(name: "x-request-id", value: job)
        request.body = .bytes(bytes)
        let response = try await client.execute(request, timeout: Self.time(seconds))
        return response.status.code
    }

    private func get(_ address: String) async throws -> (status: UInt, body: [UInt8]) {
        let response = try await client.execute(
            request(address), timeout: Self.time(settings.pollSeconds))
        let body = try await response.body.collect(upTo: Self.largestAnswer)
        return (response.status.code, Array(body.readableBytesView))
    }

    private func request(_ address: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address)
        request.headers = [
            "content-type": "application/json", "user-agent": "gesso/\(GessoVersion.current)",
        ]
        if let key = environment.key { request.headers.add(name: "authorization", value: key) }
        return request
    }

    private static func time(_ seconds: Double) -> TimeAmount { .milliseconds(Int64(seconds * 1000)) }
}

/// A job as the platform hands it out.
struct RunPodHeldJob: Sendable, Equatable {
    let id: String
    /// nil where it has none, which is the job's failure.
    let input: JSONValue?
    let store: JSONValue?
}
