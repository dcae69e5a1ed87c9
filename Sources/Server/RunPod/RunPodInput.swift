internal import Foundation
internal import Generation
internal import Imaging

/// What a job's `input` asks for.
enum RunPodTask: Sendable, Equatable {
    case paint(RunPodPainting)
    /// `switch-base-model`
    case load(model: String)
    /// `get-loras`
    case listLoRAs
    /// `get-loras-by-model`
    case listLoRAsByModel
}

/// A picture to paint, and how it is answered.
struct RunPodPainting: Sendable, Equatable {
    /// nil for the server's default.
    var model: String?
    var request: Generation.Request
    /// Where the source picture is, when it did not come with the input.
    var imageAddress: String?
    var output = OutputOptions()
    var shape: RunPodShape
    var delivery = RunPodDelivery.automatic
    /// Whether a worker posts pieces on the way.
    var isStreamed = false
    /// Fields that are not known and had no effect, as sentences.
    var notes: [String] = []
}

/// Which of two answers a client understands.
enum RunPodShape: String, Sendable {
    /// `{"success", "data": [{"url", "seed", ...}]}`: of the former worker, whose inputs name a `task_type` or use its names.
    case data
    /// `{"images": [{"filename", "type", "data"}]}`: of worker-comfyui, for inputs that do neither.
    case images
}

/// How pictures reach the client.
enum RunPodDelivery: String, Sendable {
    /// An address that whoever has it can load, else the picture itself where that fits, else an address all the same.
    case automatic
    case address
    /// The picture itself, or a failure.
    case inline
}

/// Reads a job's `input`.
struct RunPodInput {
    /// Every value that `task_type` may have.
    static let taskTypes = [
        "text-to-image", "image-to-image", "switch-base-model", "get-loras", "get-loras-by-model",
        "switch-single-lora", "switch-lora", "load-loras",
    ]
    /// Names that only the former worker's clients use: they read its answers.
    private static let formerNames = [
        "negativePrompt", "cfgScale", "numImages", "baseModel", "denoisingStrength", "lora_config",
    ]
    /// Of a source picture, before decoding.
    static let largestPicture = 20_000_000

    /// What is known elsewhere and changes the picture: refused, because leaving it out would give another one.
    private static let unsupported = [
        "workflow":
            "worker-comfyui's graphs are not run here: send flat fields such as prompt, width and steps",
        "images": "pictures by name belong to worker-comfyui's graphs: send one picture as image",
        "comfy_org_api_key": "it belongs to worker-comfyui's graphs",
        "mask": "inpainting is not there yet", "mask_image": "inpainting is not there yet",
        "mask_url": "inpainting is not there yet",
        "controlnet": "ControlNet is not there yet", "controlnet_image": "ControlNet is not there yet",
        "ip_adapter_image": "image prompts are not there yet",
        "refiner": "refiner models are not there yet",
        "refiner_inference_steps": "refiner models are not there yet",
        "high_noise_frac": "refiner models are not there yet",
    ]

    /// - Throws: ``Failure`` whose field is a name of the wire.
    static func parse(_ value: JSONValue) throws(Failure) -> RunPodTask {
        guard case .object(let object) = value else {
            throw .badRequest("input", "'input' is \(value.kind), it must be an object")
        }
        // A client that wraps everything sends {"input": {"input": {...}}}.
        if object.members.count == 1, case .object? = object["input"], let inner = object["input"] {
            return try parse(inner)
        }
        var fields = RunPodFields(object)
        if let (name, inner) = try fields.object("params") { try fields.merge(inner, from: name) }
        for (name, reason) in unsupported.sorted(by: { $0.key < $1.key }) {
            guard let (field, value) = try fields.value([name]), !isEmpty(value) else { continue }
            throw Failure(.notSupported, "'\(field)' is not supported: \(reason)", field: field)
        }

        let type = try fields.text("task_type")
        switch type {
        case nil, "text-to-image", "image-to-image":
            let isFormer = formerNames.contains { fields.members[$0] != nil }
            return .paint(try painting(type, &fields, isFormer: isFormer))
        case "switch-base-model":
            guard let model = try fields.text("base_model_type", "baseModel", "model"), !model.isEmpty else {
                throw .badRequest("base_model_type", "'base_model_type' is missing: which model to load")
            }
            return .load(model: model)
        case "get-loras": return .listLoRAs
        case "get-loras-by-model": return .listLoRAsByModel
        case "switch-single-lora", "switch-lora":
            throw Failure(
                .notSupported, "LoRAs are not supported yet: nothing was switched", field: "lora_id")
        case "load-loras":
            throw Failure(
                .notSupported, "LoRAs are not supported yet: nothing was loaded", field: "lora_config")
        case let other?:
            throw .badRequest(
                "task_type",
                "there is no task type '\(Words.shown(other))'; there are \(taskTypes.joined(separator: ", "))"
            )
        }
    }

    private static func painting(
        _ type: String?, _ fields: inout RunPodFields, isFormer: Bool
    ) throws(Failure) -> RunPodPainting {
        try refuseLoRAs(&fields)
        guard let prompt = try fields.text("prompt") else {
            throw .badRequest("prompt", "'prompt' is missing: what to paint")
        }
        var request = Generation.Request(prompt: prompt)
        request.negativePrompt = try fields.text("negativePrompt", "negative_prompt")
        if let name = try fields.text("prompt_dialect", "promptDialect") {
            guard let dialect = Generation.Request.Dialect(rawValue: name) else {
                throw .badRequest(
                    "prompt_dialect",
                    "'prompt_dialect' is '\(Words.shown(name))', it must be compel, a1111 or plain")
            }
            request.promptDialect = dialect
        }
        request.width = try fields.integer("width")
        request.height = try fields.integer("height")
        request.steps = try fields.integer("steps", "num_inference_steps")
        request.guidanceScale = try fields.number("cfgScale", "cfg_scale", "guidance_scale", "guidanceScale")
        request.trueGuidanceScale = try fields.number("true_cfg_scale", "trueCfgScale")
        request.seed = try fields.seed("seed")
        request.sampler = try fields.text("sampler", "sampler_name")
        request.schedule = try fields.text("schedule", "scheduler")
        if let count = try fields.integer("numImages", "num_images", "num_outputs", "count") {
            request.count = count
        }
        if let rescale = try fields.number("guidance_rescale") { request.guidanceRescale = rescale }
        if let skip = try fields.integer("clip_skip", "clipSkip") { request.clipSkip = skip }
        if let strength = try fields.number("denoisingStrength", "denoising_strength", "strength") {
            request.strength = strength
        }

        var painting = RunPodPainting(request: request, shape: type == nil && !isFormer ? .images : .data)
        painting.model = try fields.text("baseModel", "base_model", "model")
        try readImage(type, &fields, into: &painting)
        try readDelivery(&fields, into: &painting)
        painting.notes = fields.unknown.map {
            "the field '\(Words.shown($0))' is not known and had no effect"
        }
        try painting.request.validate()
        return painting
    }

    /// A request for a LoRA is never answered with a picture without it.
    private static func refuseLoRAs(_ fields: inout RunPodFields) throws(Failure) {
        for name in ["lora_config", "loras", "lora", "lora_id"] {
            guard let (field, value) = try fields.value([name]), !isEmpty(value) else { continue }
            throw Failure(
                .notSupported,
                "'\(field)' asks for LoRAs, which are not supported yet: leave it out or empty to paint without",
                field: field)
        }
    }

    /// Whether a value asks for nothing: empty, or weights that are all 0.
    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .bool, .number: false
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object):
            object.members.allSatisfy {
                if case .number(let weight) = $0.value { weight.double == 0 } else { false }
            }
        }
    }

    private static func readImage(
        _ type: String?, _ fields: inout RunPodFields, into painting: inout RunPodPainting
    ) throws(Failure) {
        let given = try fields.value(["image", "init_image", "image_base64"])
        let address = try fields.text("image_url", "imageUrl")
        if let (name, value) = given, !isEmpty(value) {
            guard case .string(let text) = value else {
                throw .badRequest(name, "'\(name)' is \(value.kind), it must be a picture in base64")
            }
            guard address ?? "" == "" else {
                throw .badRequest("image_url", "'\(name)' and 'image_url' are both given: send one of them")
            }
            // Clients put an address where bytes are expected.
            if text.hasPrefix("https://") || text.hasPrefix("http://") {
                painting.imageAddress = text
            } else {
                painting.request.image = try decodePicture(text, field: name)
            }
        } else if let address, !address.isEmpty {
            painting.imageAddress = address
        }

        let hasImage = painting.request.image != nil || painting.imageAddress != nil
        if type == "image-to-image", !hasImage {
            throw .badRequest("image", "'image' is missing: image-to-image paints from a picture in base64")
        }
        if type == "text-to-image", hasImage {
            throw .badRequest(
                "image",
                "a picture came with task_type 'text-to-image': send 'image-to-image' or leave it out")
        }
    }

    /// - Parameter text: Base64, with or without `data:image/png;base64,` before it; line breaks are passed over.
    static func decodePicture(_ text: String, field: String) throws(Failure) -> [UInt8] {
        var body = Substring(text)
        if text.hasPrefix("data:") {
            guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else {
                throw .badRequest(field, "'\(field)' is a data address without ';base64,'")
            }
            body = text[text.index(after: comma)...]
        }
        guard body.utf8.count / 4 * 3 <= largestPicture else {
            throw .badRequest(field, "'\(field)' is larger than \(largestPicture) bytes")
        }
        let packed = body.utf8.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0x20 }
        guard let bytes = Data(base64Encoded: Data(packed)), !bytes.isEmpty else {
            throw .badRequest(field, "'\(field)' is not base64")
        }
        let picture = [UInt8](bytes)
        do {
            _ = try PictureCodec.size(of: picture)
        } catch {
            throw .badRequest(field, "'\(field)' is no picture: \(error)")
        }
        return picture
    }

    private static func readDelivery(
        _ fields: inout RunPodFields, into painting: inout RunPodPainting
    ) throws(Failure) {
        if let format = try fields.text("output_format", "outputFormat") {
            guard
                let known = ["png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"][format.lowercased()]
            else {
                throw .badRequest(
                    "output_format", "output_format is '\(Words.shown(format))', it must be png, jpeg or webp"
                )
            }
            painting.output.format = known
        }
        if let quality = try fields.integer("output_quality", "outputQuality") {
            guard (1...100).contains(quality) else {
                throw .badRequest("output_quality", "output_quality is \(quality), it must be from 1 to 100")
            }
            painting.output.quality = quality
        }
        switch try fields.text("delivery") {
        case nil: break
        case "url": painting.delivery = .address
        case "inline": painting.delivery = .inline
        case let other?:
            throw .badRequest("delivery", "delivery is '\(Words.shown(other))', it must be url or inline")
        }
        painting.isStreamed = try fields.flag("stream") ?? false
    }

    /// A field of ``Failure`` as this wire calls it.
    static func wireName(_ field: String) -> String {
        switch field {
        case "negative prompt": "negativePrompt"
        case "guidance scale": "cfgScale"
        case "true guidance scale": "true_cfg_scale"
        case "count": "numImages"
        case "strength": "denoisingStrength"
        case "model": "baseModel"
        default: Rejection.snakeCase(field)
        }
    }
}
