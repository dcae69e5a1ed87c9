internal import Generation

/// The description of `/v1` and of the server's own addresses in OpenAPI 3.1. A test holds it against the routes.
enum OpenAPIDocument {
    /// One operation: what stands in the document's `paths`.
    struct Operation {
        let method: String
        let path: String
        let summary: String
        var query: [Parameter] = []
        var headers: [Parameter] = []
        var body: Body?
        let answers: [Answer]
        var errors: [Int] = []
        /// nil for anybody, `generate` or `admin`.
        var role: String? = "generate"

        var id: String {
            let words = path.split(whereSeparator: { "/{}.".contains($0) }).filter { $0 != "v1" }
            return ([Substring(method)] + words).joined(separator: "_")
        }
    }
    struct Parameter {
        let name: String
        let description: String
        let schema: JSONValue
    }
    enum Body {
        case json(String)
        case bytes
    }
    struct Answer {
        let status: Int
        let description: String
        var schema: String?
        var type = "application/json"
    }

    static let text = document.text

    static var document: JSONValue {
        var paths: [(String, [(String, JSONValue)])] = []
        for operation in operations {
            let entry = (operation.method, json(operation))
            if let index = paths.firstIndex(where: { $0.0 == operation.path }) {
                paths[index].1.append(entry)
            } else {
                paths.append((operation.path, [entry]))
            }
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Gesso", "version": .string(GessoVersion.current),
                "summary": "Pictures from words: jobs, events, pictures, models.",
                "license": ["name": "Apache 2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]],
            "security": [["key": []]],
            "paths": .object(paths.map { ($0.0, JSONValue.object($0.1)) }),
            "components": [
                "securitySchemes": [
                    "key": [
                        "type": "http", "scheme": "bearer",
                        "description":
                            "An API key. A server that is bound to loopback and has no keys asks for none.",
                    ]
                ],
                "schemas": .object(OpenAPISchemas.all),
            ],
        ]
    }

    private static func json(_ operation: Operation) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("operationId", .string(operation.id)), ("summary", .string(operation.summary)),
        ]
        if operation.role == nil { members.append(("security", [])) }
        if operation.role == "admin" { members.append(("description", "Takes a key with the role `admin`.")) }
        let inPath = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            part -> JSONValue in
            [
                "name": .string(String(part.dropFirst().dropLast())), "in": "path", "required": true,
                "schema": ["type": "string"],
            ]
        }
        let parameters =
            inPath + operation.query.map { parameter($0, "query") }
            + operation.headers.map { parameter($0, "header") }
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        switch operation.body {
        case nil: break
        case .json(let schema)?:
            members.append(
                ("requestBody", ["required": true, "content": content("application/json", schema)]))
        case .bytes?:
            members.append(
                ("requestBody", ["required": true, "content": anything("application/octet-stream")]))
        }
        var answers = operation.answers.map { answer -> (String, JSONValue) in
            var value: [(String, JSONValue)] = [("description", .string(answer.description))]
            if let schema = answer.schema {
                value.append(("content", content(answer.type, schema)))
            } else if answer.type != "application/json" {
                value.append(("content", anything(answer.type)))
            }
            return ("\(answer.status)", .object(value))
        }
        var errors = Set(operation.errors)
        if operation.role != nil { errors.formUnion([401, 403, 429]) }
        for status in errors.sorted() {
            answers.append(
                (
                    "\(status)",
                    [
                        "description": .string(words[status] ?? ""),
                        "content": content("application/json", "Error"),
                    ]
                ))
        }
        members.append(("responses", .object(answers)))
        return .object(members)
    }

    private static func parameter(_ parameter: Parameter, _ place: String) -> JSONValue {
        [
            "name": .string(parameter.name), "in": .string(place),
            "description": .string(parameter.description),
            "schema": parameter.schema,
        ]
    }

    private static func anything(_ type: String) -> JSONValue {
        let media: JSONValue = [:]
        return .object([(type, media)])
    }

    private static func content(_ type: String, _ schema: String) -> JSONValue {
        let reference: JSONValue = ["$ref": .string("#/components/schemas/\(schema)")]
        let media: JSONValue = ["schema": reference]
        return .object([(type, media)])
    }

    private static let words: [Int: String] = [
        400: "Something in the request is wrong; `field` says what.", 401: "The key is missing or not known.",
        403: "The key may not do that.", 404: "There is no such thing, or it is somebody else's.",
        409: "That does not go together with how things stand.", 413: "The body is too large.",
        415: "The body is of another type.", 416: "There are no such bytes.",
        422: "It is understood and can't be done here.",
        429: "Too many; `Retry-After` says when to come again.",
        500: "Something went wrong in the server.", 503: "The server can't do that now.",
    ]
}
