internal import Foundation
package import HTTPTypes
package import Hummingbird
package import Logging
internal import NIOCore

/// A request whose caller is known, as handlers get it.
package struct Call: Sendable {
    package let request: Hummingbird.Request
    package let context: CallContext
    package let caller: Caller

    /// The logger of this call: its metadata holds the request's id.
    package var logger: Logger { context.logger }
    package var id: String { context.requestID }

    /// A part of the path, as sent: ids need no percent-encoding, and one that has any is unknown.
    package func parameter(_ name: String) -> String { context.parameters.get(name) ?? "" }

    /// The query, each name of which must be known.
    package func query(_ known: Set<String>) throws(Rejection) -> Query {
        try Query(request.uri.query, known: known)
    }

    /// The whole body.
    /// - Parameter limit: Bytes; a longer one is refused as `too_large`, without being kept.
    package func body(limit: Int) async throws -> [UInt8] {
        let tooLarge = Rejection(
            .contentTooLarge, "too_large",
            "the body has more than \(limit) bytes, which is what this call takes")
        if let said = request.headers[.contentLength].flatMap({ Int($0) }), said > limit { throw tooLarge }
        var bytes: [UInt8] = []
        do {
            for try await buffer in request.body {
                guard bytes.count + buffer.readableBytes <= limit else { throw tooLarge }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let error as ChannelError {
            throw Rejection(.badRequest, "bad_request", "the body did not come to its end: \(error)")
        } catch let error as IOError {
            throw Rejection(
                .badRequest, "bad_request", "the body did not come to its end: \(error.errnoCode)")
        }
        return bytes
    }

    /// The body as JSON, parsed strictly: see ``JSONParser``.
    package func json(limit: Int) async throws -> JSONValue {
        if let type = request.headers[.contentType] {
            let essence =
                type.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
            guard essence.lowercased() == "application/json" || essence.lowercased().hasSuffix("+json") else {
                throw Rejection(
                    .unsupportedMediaType, "unsupported_media_type",
                    "the body's type is '\(Words.shown(essence))'; this call takes application/json")
            }
        }
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Rejection(
                .unsupportedMediaType, "unsupported_media_type",
                "the body's encoding is '\(Words.shown(encoding))'; bodies are taken as they are")
        }
        return try JSONParser.parse(await body(limit: limit))
    }
}

extension Response {
    /// An answer in JSON.
    package static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        bytes(try JSONOutput.encode(value), type: "application/json", status: status, headers: headers)
    }

    package static func bytes(
        _ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
