extension OpenAPIDocument {
    private static let wait = Parameter(
        name: "wait", description: "Seconds to wait for the end of the job before answering.",
        schema: ["type": "number", "minimum": 0])
    private static let all = Parameter(
        name: "all", description: "Everybody's, for a key with the role `admin`.", schema: ["type": "boolean"]
    )
    private static let model = Parameter(
        name: "model", description: "A model's id; may be left out where there is one.",
        schema: ["type": "string"])
    private static let pictureHeaders = [
        Parameter(name: "Range", description: "One range of bytes.", schema: ["type": "string"]),
        Parameter(name: "If-None-Match", description: "Tags the client has.", schema: ["type": "string"]),
    ]
    private static func generation(_ status: Int, _ description: String) -> Answer {
        Answer(status: status, description: description, schema: "Generation")
    }

    static let operations: [Operation] = generations + about + system

    private static let generations: [Operation] = [
        Operation(
            method: "post", path: "/v1/generations", summary: "Ask for pictures.",
            query: [
                wait,
                Parameter(
                    name: "dry_run", description: "Say what it would come to, and do nothing.",
                    schema: ["type": "boolean"]),
            ],
            body: .json("GenerationRequest"),
            answers: [
                Answer(
                    status: 200,
                    description: "It was there before, has finished while waiting, or was a dry run.",
                    schema: "GenerationOrEstimate"),
                generation(202, "It was taken in."),
            ], errors: [400, 404, 409, 413, 415, 422, 503]),
        Operation(
            method: "get", path: "/v1/generations", summary: "List and search jobs, newest first.",
            query: [
                Parameter(
                    name: "status",
                    description: "One or several of queued, running, done, failed, cancelled, by commas.",
                    schema: ["type": "string"]),
                Parameter(name: "model", description: "Of this model.", schema: ["type": "string"]),
                Parameter(
                    name: "q", description: "Words that the prompt has, in any order.",
                    schema: ["type": "string"]),
                Parameter(name: "tag", description: "With this tag.", schema: ["type": "string"]),
                Parameter(name: "favourite", description: "Favourites, or not.", schema: ["type": "boolean"]),
                Parameter(
                    name: "before", description: "Submitted before.",
                    schema: ["type": "string", "format": "date-time"]),
                Parameter(
                    name: "after", description: "Submitted after.",
                    schema: ["type": "string", "format": "date-time"]),
                Parameter(
                    name: "limit", description: "How many.",
                    schema: ["type": "integer", "minimum": 1, "maximum": 200]),
                Parameter(name: "cursor", description: "The page before's.", schema: ["type": "string"]), all,
            ],
            answers: [Answer(status: 200, description: "A page of jobs.", schema: "GenerationList")],
            errors: [400]),
        Operation(
            method: "delete", path: "/v1/generations", summary: "Cancel everything that waits.",
            query: [
                Parameter(
                    name: "status", description: "`queued`.", schema: ["type": "string", "const": "queued"]),
                all,
            ],
            answers: [Answer(status: 200, description: "How many there were.", schema: "Purge")],
            errors: [400]),
        Operation(
            method: "get", path: "/v1/generations/{id}", summary: "How a job stands.", query: [wait],
            answers: [generation(200, "The job.")], errors: [400, 404]),
        Operation(
            method: "patch", path: "/v1/generations/{id}", summary: "Mark a finished job.",
            body: .json("Marks"),
            answers: [generation(200, "The job.")], errors: [400, 404, 409, 413, 415]),
        Operation(
            method: "delete", path: "/v1/generations/{id}",
            summary: "Cancel a job that has not finished; forget one that has, and its pictures.",
            answers: [
                generation(200, "It was cancelled before it ran."), generation(202, "It was told to stop."),
                Answer(status: 204, description: "It is forgotten."),
            ], errors: [404]),
        Operation(
            method: "post", path: "/v1/generations/{id}/cancel",
            summary: "Cancel a job; a finished one stays as it is.",
            answers: [
                generation(200, "It will not run, or had finished."), generation(202, "It was told to stop."),
            ],
            errors: [404]),
        Operation(
            method: "post", path: "/v1/generations/{id}/retry",
            summary: "Try a failed or cancelled job again.",
            answers: [generation(202, "It waits again.")], errors: [404, 409]),
        Operation(
            method: "post", path: "/v1/estimates",
            summary: "Say what a request would come to, and do nothing.",
            body: .json("GenerationRequest"),
            answers: [Answer(status: 200, description: "Checked, counted, estimated.", schema: "Estimate")],
            errors: [400, 404, 413, 415, 422, 503]),
        Operation(
            method: "post", path: "/v1/uploads", summary: "Send a source picture ahead, as the body's bytes.",
            body: .bytes,
            answers: [Answer(status: 201, description: "Its id, for `image_upload`.", schema: "Upload")],
            errors: [400, 413]),
        Operation(
            method: "get", path: "/v1/events",
            summary: "What happens to all of your jobs, as server-sent events.",
            query: [all],
            headers: [
                Parameter(
                    name: "Last-Event-ID", description: "The last event the client saw.",
                    schema: ["type": "string"])
            ],
            answers: [
                Answer(
                    status: 200,
                    description: "Events `queued`, `running`, `progress`, `done`, `failed`, `cancelled`, "
                        + "`requeued`; their data is an Event.", type: "text/event-stream")
            ], errors: [400]),
        Operation(
            method: "get", path: "/v1/images/{id}/{name}", summary: "A picture: `0.png`, `1.png` ...",
            headers: pictureHeaders,
            answers: [
                Answer(status: 200, description: "The picture.", type: "image/*"),
                Answer(status: 206, description: "A part of it.", type: "image/*"),
                Answer(status: 304, description: "The client has it."),
            ], errors: [404, 416]),
        Operation(
            method: "get", path: "/v1/thumbnails/{id}/{name}",
            summary: "A small JPEG of a picture: `0.jpg` ...",
            headers: pictureHeaders,
            answers: [
                Answer(status: 200, description: "The picture.", type: "image/jpeg"),
                Answer(status: 206, description: "A part of it.", type: "image/jpeg"),
                Answer(status: 304, description: "The client has it."),
            ], errors: [404, 416]),
    ]

    private static let about: [Operation] = [
        Operation(
            method: "get", path: "/v1/models", summary: "The models, and where each stands.",
            answers: [Answer(status: 200, description: "All of them.", schema: "ModelList")]),
        Operation(
            method: "get", path: "/v1/models/{id}", summary: "One model.",
            answers: [Answer(status: 200, description: "The model.", schema: "Model")], errors: [404]),
        Operation(
            method: "post", path: "/v1/models/{id}/load", summary: "Load a model and warm it up.",
            answers: [Answer(status: 200, description: "The model.", schema: "Model")],
            errors: [404, 422, 500, 503],
            role: "admin"),
        Operation(
            method: "post", path: "/v1/models/{id}/unload",
            summary: "Let a model go when nothing runs on it.",
            answers: [Answer(status: 200, description: "The model.", schema: "Model")], errors: [404],
            role: "admin"),
        Operation(
            method: "get", path: "/v1/samplers", summary: "What `sampler` and `schedule` take.",
            answers: [Answer(status: 200, description: "All of them.", schema: "SamplerList")]),
        Operation(
            method: "get", path: "/v1/capabilities", summary: "Limits, formats, families and features.",
            answers: [Answer(status: 200, description: "All of them.", schema: "Capabilities")]),
        Operation(
            method: "get", path: "/v1/precision", summary: "The precision plan of a model.", query: [model],
            answers: [Answer(status: 200, description: "The plan.", schema: "Precision")],
            errors: [400, 404, 422]),
        Operation(
            method: "post", path: "/v1/tokens", summary: "A prompt's tokens as a model reads them.",
            body: .json("TokenRequest"),
            answers: [Answer(status: 200, description: "The tokens.", schema: "Tokens")],
            errors: [400, 404, 413, 415, 422]),
    ]

    private static let system: [Operation] = [
        Operation(
            method: "get", path: "/", summary: "What this is.",
            answers: [Answer(status: 200, description: "A page.", type: "text/html")], role: nil),
        Operation(
            method: "get", path: "/openapi.json", summary: "This document.",
            answers: [Answer(status: 200, description: "This document.", schema: "Document")], role: nil),
        Operation(
            method: "get", path: "/livez", summary: "Whether the process answers.",
            answers: [Answer(status: 200, description: "It does.", type: "text/plain")], role: nil),
        Operation(
            method: "get", path: "/readyz", summary: "Whether it takes jobs and could load a model.",
            answers: [Answer(status: 200, description: "It does.", type: "text/plain")], errors: [503],
            role: nil),
        Operation(
            method: "get", path: "/metrics", summary: "Counters for Prometheus.",
            answers: [Answer(status: 200, description: "Text format 0.0.4.", type: "text/plain")],
            role: "admin"),
    ]
}
