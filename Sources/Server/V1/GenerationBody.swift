internal import Foundation
internal import Generation

/// The body of `POST /v1/generations`, read and checked; its source picture is still to be brought.
struct GenerationBody: Sendable {
    /// Where the source picture is.
    enum Source: Sendable, Equatable {
        case none
        case bytes([UInt8])
        case address(String)
        case upload(String)
    }

    var request: Generation.Request
    var output: OutputOptions
    var model: String?
    var id: JobID?
    var priority = 0
    var deadlineSeconds: Double?
    var timeLimitSeconds: Double?
    var source: Source

    /// Every field, in the order of the documentation.
    static let fields: [String] = [
        "prompt", "negative_prompt", "prompt_dialect", "model", "width", "height", "steps", "guidance_scale",
        "true_guidance_scale",
        "guidance_rescale", "text_tokens", "seed", "count", "sampler", "schedule", "clip_skip", "image",
        "image_url",
        "image_upload", "strength", "format", "quality", "embed_receipt", "id", "priority",
        "deadline_seconds",
        "time_limit_seconds",
    ]

    /// Fields that stand for what this server does not do yet: refused by name, so that nobody gets a picture without.
    static let notSupported: [String: String] = [
        "loras": "LoRAs are not supported yet", "mask": "masks are not supported yet",
        "mask_url": "masks are not supported yet", "mask_upload": "masks are not supported yet",
        "previews": "previews are not supported yet", "controlnets": "ControlNets are not supported yet",
        "upscale": "upscaling is not supported yet",
    ]

    private static let known = Set(fields).union(notSupported.keys)

    /// - Throws: ``Rejection``, or ``Generation/Failure`` of `Request.validate()`.
    init(_ body: JSONValue, limits: ServerLimits) throws {
        let reader = try ObjectReader(body, known: Self.known)
        for (name, sentence) in Self.notSupported.sorted(by: { $0.key < $1.key }) where reader.has(name) {
            throw Failure(.notSupported, "\(sentence): leave '\(name)' out", field: name)
        }
        guard let prompt = try reader.string("prompt") else {
            throw Rejection.badRequest("prompt", "prompt is missing: it says what to paint")
        }
        request = Generation.Request(prompt: prompt)
        try Self.readPainting(reader, &request)
        model = try reader.string("model")
        output = try Self.output(reader)
        source = try Self.source(reader, limits)
        if let strength = try reader.double("strength") {
            guard source != .none else {
                throw Rejection.badRequest(
                    "strength", "strength says how much of a source picture is painted anew; there is none")
            }
            request.strength = strength
        }
        try request.validate()
        request.seed = try Self.seed(reader, count: request.count)
        try readJob(reader)
    }

    private static func readPainting(_ reader: ObjectReader, _ request: inout Generation.Request)
        throws(Rejection)
    {
        request.negativePrompt = try reader.string("negative_prompt")
        if let dialect = try dialect(reader) { request.promptDialect = dialect }
        request.width = try reader.int("width")
        request.height = try reader.int("height")
        request.steps = try reader.int("steps")
        request.guidanceScale = try reader.double("guidance_scale")
        request.trueGuidanceScale = try reader.double("true_guidance_scale")
        request.textTokens = try reader.int("text_tokens")
        if let rescale = try reader.double("guidance_rescale") { request.guidanceRescale = rescale }
        if let count = try reader.int("count") { request.count = count }
        request.sampler = try reader.string("sampler")
        request.schedule = try reader.string("schedule")
        if let skip = try reader.int("clip_skip") { request.clipSkip = skip }
    }

    /// How weights and changes are written in the prompt; nil where nothing is said.
    static func dialect(_ reader: ObjectReader) throws(Rejection) -> Generation.Request.Dialect? {
        guard let name = try reader.string("prompt_dialect") else { return nil }
        guard let dialect = Generation.Request.Dialect(rawValue: name) else {
            let names = Generation.Request.Dialect.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest(
                "prompt_dialect", "'\(Words.shown(name))' is no dialect: it must be one of \(names)")
        }
        return dialect
    }

    private mutating func readJob(_ reader: ObjectReader) throws(Rejection) {
        if let text = try reader.string("id") {
            guard let id = JobID(text) else {
                throw .badRequest(
                    "id",
                    "'\(Words.shown(text))' can't be an id: 1 to 64 letters, digits, '-', '_' and '.', "
                        + "not beginning with a point")
            }
            self.id = id
        }
        if let priority = try reader.int("priority") {
            guard Job.priorities.contains(priority) else {
                throw .badRequest(
                    "priority",
                    "priority is \(priority), it must be from \(Job.priorities.lowerBound) to "
                        + "\(Job.priorities.upperBound)")
            }
            self.priority = priority
        }
        deadlineSeconds = try Self.seconds("deadline_seconds", reader)
        timeLimitSeconds = try Self.seconds("time_limit_seconds", reader)
    }

    private static let longestSeconds = 604_800.0

    private static func seconds(_ name: String, _ reader: ObjectReader) throws(Rejection) -> Double? {
        guard let seconds = try reader.double(name) else { return nil }
        guard seconds > 0, seconds <= longestSeconds else {
            throw .badRequest(
                name, "\(name) is \(seconds), it must be above 0 and at most \(Int(longestSeconds))")
        }
        return seconds
    }

    /// A whole number up to 2^64-1, as a number or as text; -1 and null draw one.
    private static func seed(_ reader: ObjectReader, count: Int) throws(Rejection) -> UInt64? {
        let text: String
        switch reader.value("seed") {
        case nil: return nil
        case .number(let number):
            if number.int == -1 { return nil }
            guard let seed = number.unsigned else { throw badSeed(number.text) }
            text = "\(seed)"
        case .string(let string): text = string
        case let other?: throw reader.wrong("seed", other, "a whole number, or one in a text")
        }
        if text == "-1" { return nil }
        // Digits alone: UInt64 would also take a plus sign.
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seed = UInt64(text) else {
            throw badSeed(text)
        }
        guard seed <= UInt64.max - UInt64(count - 1) else {
            throw .badRequest("seed", "the seed \(seed) leaves no room for \(count) pictures")
        }
        return seed
    }

    private static func badSeed(_ text: String) -> Rejection {
        .badRequest(
            "seed",
            "seed is '\(Words.shown(text))', it must be a whole number from 0 to \(UInt64.max), or -1 to draw one"
        )
    }

    private static func output(_ reader: ObjectReader) throws(Rejection) -> OutputOptions {
        var output = OutputOptions()
        if let format = try reader.string("format") {
            guard ["png", "jpeg", "webp"].contains(format) else {
                throw .badRequest(
                    "format", "format is '\(Words.shown(format))', it must be png, jpeg or webp")
            }
            output.format = format
        }
        if let quality = try reader.int("quality") {
            guard output.format != "png" else {
                throw .badRequest("quality", "PNG loses nothing and has no quality; it is for jpeg and webp")
            }
            guard (1...100).contains(quality) else {
                throw .badRequest("quality", "quality is \(quality), it must be from 1 to 100")
            }
            output.quality = quality
        }
        if let embeds = try reader.bool("embed_receipt") { output.embedsReceipt = embeds }
        return output
    }

    private static func source(_ reader: ObjectReader, _ limits: ServerLimits) throws(Rejection) -> Source {
        let given = ["image", "image_url", "image_upload"].filter { reader.has($0) }
        guard given.count <= 1 else {
            throw .badRequest(
                given[1], "\(given.joined(separator: " and ")) are given; one source picture is taken")
        }
        if let text = try reader.string("image") {
            return .bytes(try Base64Picture.bytes(text, field: "image", limit: limits.pictureBytes))
        }
        if let address = try reader.string("image_url") { return .address(address) }
        if let id = try reader.string("image_upload") { return .upload(id) }
        return .none
    }
}
