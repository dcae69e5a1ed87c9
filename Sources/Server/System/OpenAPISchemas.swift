internal import Generation

/// The schemas of the OpenAPI document.
enum OpenAPISchemas {
    private static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }
    private static func whole(_ range: ClosedRange<Int>, _ description: String) -> JSONValue {
        [
            "type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound),
            "description": .string(description),
        ]
    }
    private static func number(_ low: Int, _ high: Int, _ description: String) -> JSONValue {
        ["type": "number", "minimum": .int(low), "maximum": .int(high), "description": .string(description)]
    }
    private static func reference(_ name: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name)")]
    }
    private static func list(_ name: String, of schema: String) -> JSONValue {
        let elements: JSONValue = ["type": "array", "items": reference(schema)]
        return .object([
            ("type", "object"), ("required", [.string(name)]), ("properties", .object([(name, elements)])),
        ])
    }
    private static let time: JSONValue = ["type": "string", "format": "date-time"]
    private static let flag: JSONValue = ["type": "boolean"]
    private static let count: JSONValue = ["type": "integer", "minimum": 0]

    /// The fields of `POST /v1/generations`; a test holds them against ``GenerationBody/fields``.
    static let requestFields: [(String, JSONValue)] = [
        (
            "prompt",
            text("What to paint; up to \(Generation.Request.longestPrompt) characters, all of which count.")
        ),
        ("negative_prompt", text("What not to paint. Left out is not the same as empty.")),
        (
            "prompt_dialect",
            [
                "type": "string",
                "enum": .array(Generation.Request.Dialect.allCases.map { .string($0.rawValue) }),
                "description":
                    "How weights, blends and changes are written in the prompts; compel if left out.",
            ]
        ),
        ("model", text("A model's id; may be left out where there is one.")),
        (
            "width",
            whole(
                Generation.Request.sizes, "Pixels, a multiple of 8; left out is the model's or the source's.")
        ),
        ("height", whole(Generation.Request.sizes, "Pixels, a multiple of 8.")),
        ("steps", whole(1...Generation.Request.mostSteps, "Left out is the model's usual.")),
        ("guidance_scale", number(0, 100, "How strongly the prompt counts; left out is the model's usual.")),
        ("true_guidance_scale", number(0, 100, "FLUX.1's guidance by a negative prompt.")),
        ("guidance_rescale", number(0, 1, "Share of guidance rescaling.")),
        ("text_tokens", whole(1...Generation.Request.mostTextTokens, "Tokens that FLUX.1's T5 reads.")),
        (
            "seed",
            [
                "type": ["integer", "string"],
                "description":
                    "0 to 2^64-1, as a number or as text; -1 or left out draws one. Picture n has seed + n.",
            ]
        ),
        ("count", whole(1...Generation.Request.mostPictures, "How many pictures.")),
        ("sampler", text("See /v1/samplers.")),
        ("schedule", text("Spacing of timesteps and of noise levels, `trailing+karras`.")),
        ("clip_skip", whole(0...64, "Text encoder layers left out beyond the usual one.")),
        ("image", text("A source picture: PNG, JPEG or WebP in base64, alone or as a data: address.")),
        ("image_url", text("The address of a source picture on the public Internet.")),
        ("image_upload", text("The id of a picture sent to /v1/uploads.")),
        ("strength", number(0, 1, "How much of the source is painted anew, above 0.")),
        ("format", ["type": "string", "enum": ["png", "jpeg", "webp"]]),
        ("quality", whole(1...100, "Of JPEG and WebP.")),
        ("embed_receipt", ["type": "boolean", "description": "Whether the files say how they were made."]),
        ("id", text("Chosen by the client: the same request with the same id is the same job.")),
        ("priority", whole(Job.priorities, "Higher first.")),
        (
            "deadline_seconds",
            ["type": "number", "exclusiveMinimum": 0, "description": "From now; then it fails as expired."]
        ),
        (
            "time_limit_seconds",
            ["type": "number", "exclusiveMinimum": 0, "description": "How long it may run."]
        ),
    ]

    static let all: [(String, JSONValue)] = requests + answers

    private static let requests: [(String, JSONValue)] = [
        (
            "GenerationRequest",
            [
                "type": "object", "required": ["prompt"], "additionalProperties": false,
                "properties": .object(requestFields),
            ]
        ),
        (
            "TokenRequest",
            [
                "type": "object", "required": ["prompt"], "additionalProperties": false,
                "properties": [
                    "prompt": text("What is counted."), "model": text("A model's id."),
                    "prompt_dialect": [
                        "type": "string",
                        "enum": .array(Generation.Request.Dialect.allCases.map { .string($0.rawValue) }),
                    ],
                ],
            ]
        ),
        (
            "Marks",
            [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "favourite": flag,
                    "tags": ["type": "array", "items": ["type": "string"], "maxItems": 32],
                ],
            ]
        ),
    ]

    private static let answers: [(String, JSONValue)] = [
        (
            "Error",
            [
                "type": "object", "required": ["error"],
                "properties": ["error": reference("Fault")],
            ]
        ),
        (
            "Fault",
            [
                "type": "object", "required": ["code", "message"],
                "properties": [
                    "code": text("Stable: for programs."), "message": text("A sentence: for people."),
                    "field": text("What in the request is at fault."),
                ],
            ]
        ),
        (
            "Generation",
            [
                "type": "object", "required": ["id", "status", "model", "request", "created", "pictures"],
                "properties": [
                    "id": text("The job's id."),
                    "status": [
                        "type": "string", "enum": .array(JobStatus.allCases.map { .string($0.rawValue) }),
                    ],
                    "model": text("The model's id."), "caller": text("Whose it is."),
                    "front": text("Which API took it in."),
                    "request": [
                        "type": "object", "description": "What was asked for; left out is what was left out.",
                    ],
                    "priority": ["type": "integer"], "created": time, "started": time, "finished": time,
                    "deadline": time,
                    "time_limit_seconds": ["type": "number"], "attempts": count,
                    "position": ["type": "integer", "description": "How many jobs run before it."],
                    "seconds_left": ["type": "number"], "cancelling": flag, "progress": reference("Progress"),
                    "pictures": ["type": "array", "items": reference("Picture")],
                    "notes": ["type": "array", "items": ["type": "string"]],
                    "seconds": ["type": "object", "additionalProperties": ["type": "number"]],
                    "error": reference("Fault"), "favourite": flag,
                    "tags": ["type": "array", "items": ["type": "string"]],
                ],
            ]
        ),
        ("GenerationOrEstimate", ["anyOf": [reference("Generation"), reference("Estimate")]]),
        (
            "GenerationList",
            [
                "type": "object", "required": ["generations"],
                "properties": [
                    "generations": ["type": "array", "items": reference("Generation")],
                    "cursor": text("For the next page; left out on the last."),
                ],
            ]
        ),
        (
            "Picture",
            [
                "type": "object",
                "required": ["url", "content_type", "bytes", "width", "height", "seed", "receipt"],
                "properties": [
                    "url": text("Where it is, from this server."),
                    "thumbnail_url": text("Where a small one is."),
                    "content_type": text("image/png, image/jpeg or image/webp"), "bytes": count,
                    "width": count,
                    "height": count, "seed": count, "seed_text": text("The seed's digits."),
                    "receipt": ["type": "object", "description": "Everything that repeats the picture."],
                ],
            ]
        ),
        (
            "Progress",
            [
                "type": "object", "required": ["stage", "picture", "pictures", "step", "of"],
                "properties": [
                    "stage": [
                        "type": "string",
                        "enum": .array(Generation.Progress.Stage.allCases.map { .string($0.rawValue) }),
                    ],
                    "picture": count, "pictures": count, "step": count, "of": count,
                    "seconds_per_step": ["type": "number"],
                ],
            ]
        ),
        (
            "Event",
            [
                "type": "object", "required": ["id", "at"],
                "properties": [
                    "id": text("The job's id."), "at": time, "position": count,
                    "progress": reference("Progress"),
                    "pictures": ["type": "array", "items": reference("Picture")], "error": reference("Fault"),
                ],
            ]
        ),
        (
            "Estimate",
            [
                "type": "object", "required": ["model", "width", "height", "steps", "count", "plan"],
                "properties": [
                    "model": text("The model's id."), "width": count, "height": count, "steps": count,
                    "count": count,
                    "sampler": text("The sampler."), "schedule": text("The schedule."),
                    "guidance_scale": ["type": "number"], "prompt_tokens": count,
                    "negative_prompt_tokens": count,
                    "plan": text("The precision plan's name."),
                    "formats": ["type": "object", "additionalProperties": ["type": "string"]],
                    "model_bytes": count,
                    "working_bytes": count, "notes": ["type": "array", "items": ["type": "string"]],
                    "seconds": ["type": "number"], "loaded": flag, "jobs_before": count,
                ],
            ]
        ),
        (
            "Upload",
            [
                "type": "object", "required": ["id", "expires"],
                "properties": [
                    "id": text("For image_upload."), "expires": time, "bytes": count,
                    "content_type": text("Its type."),
                    "width": count, "height": count,
                ],
            ]
        ),
        ("Purge", ["type": "object", "required": ["cancelled"], "properties": ["cancelled": count]]),
        ("ModelList", list("models", of: "Model")),
        (
            "Model",
            [
                "type": "object", "required": ["id", "title", "state"],
                "properties": [
                    "id": text("What requests call it."), "title": text("What people read."),
                    "family": text("sdxl or flux"),
                    "state": [
                        "type": "string",
                        "enum": ["unloaded", "loading", "ready", "busy", "unloading", "failed"],
                    ],
                    "bytes": count, "load_seconds": ["type": "number"], "last_used": time,
                    "error": reference("Fault"),
                    "defaults": ["type": "object"],
                ],
            ]
        ),
        ("SamplerList", list("samplers", of: "Sampler")),
        (
            "Sampler",
            [
                "type": "object", "required": ["name", "title"],
                "properties": [
                    "name": text("For `sampler`."), "title": text("What people call it."),
                    "aliases": ["type": "array", "items": ["type": "string"]], "order": count,
                    "ancestral": flag,
                    "timesteps": ["type": "array", "items": ["type": "string"]],
                    "sigmas": ["type": "array", "items": ["type": "string"]],
                ],
            ]
        ),
        ("Capabilities", ["type": "object", "required": ["gesso", "limits", "formats", "features"]]),
        ("Precision", ["type": "object"]), ("Tokens", ["type": "object"]), ("Document", ["type": "object"]),
    ]
}
