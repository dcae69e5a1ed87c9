package import Generation
package import HTTPTypes
internal import Hummingbird

/// Why a call was refused or went wrong, before a front gives it the shape of its own errors.
package struct Rejection: Error, Sendable, Equatable, CustomStringConvertible {
    package var status: HTTPResponse.Status
    /// Stable; Documentation/api.md lists all of them.
    package var code: String
    /// One sentence: what, where, what to do.
    package var message: String
    /// The field at fault as the wire calls it, `image_url` or `tags[3]`.
    package var field: String?
    /// Sent with the answer, such as `Retry-After`.
    package var headers: [Header] = []

    package struct Header: Sendable, Equatable {
        package let name: HTTPField.Name
        package let value: String

        package init(_ name: HTTPField.Name, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(
        _ status: HTTPResponse.Status, _ code: String, _ message: String, field: String? = nil,
        headers: [Header] = []
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = headers
    }

    package var description: String { message }
}

extension Rejection {
    /// What the engine, the stores and `Request.validate()` throw.
    /// - Parameter wireName: Gives a field of ``Generation/Failure`` (`guidance scale`) the name that a front's clients
    ///   know.
    package init(_ failure: Failure, wireName: (String) -> String = Self.snakeCase) {
        self.init(
            Self.status(failure.code), failure.code.rawValue, failure.message,
            field: failure.field.map(wireName))
        if failure.code == .queueFull || failure.code == .cannotRun {
            headers = [Header(.retryAfter, failure.code == .queueFull ? "10" : "30")]
        }
    }

    /// Any error of a handler: those of this project keep their words, others become `internal` and say nothing.
    package init(_ error: any Error, wireName: (String) -> String = Self.snakeCase) {
        switch error {
        case let rejection as Rejection: self = rejection
        case let failure as Failure: self.init(failure, wireName: wireName)
        case let error as HTTPError where error.status == .contentTooLarge:
            self.init(.contentTooLarge, "too_large", "the body is larger than this call takes")
        case is CancellationError:
            self.init(
                .serviceUnavailable, "cannot_run", "the server is stopping",
                headers: [Header(.retryAfter, "30")])
        default:
            self.init(
                .internalServerError, "internal", "something went wrong in the server; its log says what")
        }
    }

    package static func badRequest(_ field: String?, _ message: String) -> Rejection {
        Rejection(.badRequest, "bad_request", message, field: field)
    }

    package static func notFound(_ message: String) -> Rejection {
        Rejection(.notFound, "not_found", message)
    }

    /// `guidance scale` as `guidance_scale`.
    package static func snakeCase(_ field: String) -> String {
        field.replacing(" ", with: "_")
    }

    /// The one place that gives a failure's code an HTTP status.
    package static func status(_ code: Failure.Code) -> HTTPResponse.Status {
        switch code {
        case .badRequest: .badRequest
        case .unknownModel: .notFound
        case .conflict: .conflict
        case .notSupported, .outOfMemory: .unprocessableContent
        case .queueFull: .tooManyRequests
        case .cannotRun, .interrupted: .serviceUnavailable
        case .expired, .timedOut: .gatewayTimeout
        case .badCheckpoint, .notFinite, .deliveryFailed: .internalServerError
        }
    }
}
