internal import AsyncHTTPClient
internal import Foundation
internal import Generation
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Tells a finished job to the address that its client named: POST, JSON, until it is answered with 200.
struct RunPodWebhook: Sendable {
    var tries = RunPodSettings.webhookTries
    /// Seconds between two.
    var wait: Double
    /// Seconds that one may take.
    var timeout = 10.0
    var allowsPrivate: Bool
    var resolve: PictureFetcher.Resolver = HostResolver.addresses

    /// Whether an address may be one, as far as its text tells.
    static func check(_ address: String) throws(Failure) {
        do {
            _ = try FetchTarget(address)
        } catch {
            throw Failure(.badRequest, "webhook: \(error.message)", field: "webhook")
        }
    }

    /// - Returns: Whether it was told.
    func tell(_ address: String, _ body: [UInt8], logger: Logger) async throws -> Bool {
        for attempt in 1...tries {
            do {
                let status = try await post(address, body)
                if status == 200 { return true }
                logger.warning(
                    "a webhook was not answered with 200",
                    metadata: ["status": "\(status)", "attempt": "\(attempt)"])
            } catch let error as CancellationError {
                throw error
            } catch {
                logger.warning(
                    "a webhook could not be told",
                    metadata: ["reason": "\(Words.shown("\(error)"))", "attempt": "\(attempt)"])
            }
            if attempt < tries { try await Task.sleep(for: .seconds(wait)) }
        }
        return false
    }

    /// The connection goes to the address that was looked at; redirects are not followed.
    private func post(_ address: String, _ body: [UInt8]) async throws -> UInt {
        let target = try FetchTarget(address)
        let addresses = try await resolve(target.host)
        guard let first = addresses.first else {
            throw Rejection.badRequest("webhook", "the host '\(Words.shown(target.host))' has no address")
        }
        guard allowsPrivate || addresses.allSatisfy(PublicAddress.isPublic) else {
            throw Rejection.badRequest(
                "webhook", "the host '\(Words.shown(target.host))' is not on the public Internet")
        }
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), decompression: .disabled)
        configuration.dnsOverride = [target.host: first]
        return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            var request = HTTPClientRequest(url: target.text)
            request.method = .POST
            request.headers = ["content-type": "application/json", "user-agent": "gesso"]
            request.body = .bytes(body)
            let response = try await client.execute(
                request, timeout: .milliseconds(Int64(timeout * 1000)))
            return response.status.code
        }
    }
}
