package import Generation

/// A worker that computes nothing: it paints even pictures at once, or does what a test tells it.
package struct FakeWorker: Worker {
    private let body:
        @Sendable (Request, @escaping @Sendable (Progress) -> Void) async throws -> Generation.Result

    package init(
        _ body:
            @escaping @Sendable (
                Request, @escaping @Sendable (Progress) -> Void
            ) async throws -> Generation.Result = { request, _ in FakeWorker.paint(request) }
    ) {
        self.body = body
    }

    package func run(
        _ request: Request, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Generation.Result {
        try await body(request, progress)
    }

    package func load() async throws {}

    package func examine(_ request: Request) async throws -> Examination {
        try request.validate()
        return Examination(
            width: request.width ?? 16, height: request.height ?? 8, steps: request.steps ?? 30,
            count: request.count, sampler: request.sampler ?? "euler",
            schedule: request.schedule ?? "default",
            guidanceScale: request.guidanceScale ?? 5, promptTokens: request.prompt.utf8.count,
            negativePromptTokens: request.negativePrompt?.utf8.count ?? 0, plan: "0123abcd",
            formats: ["denoiser": "fp32"], modelBytes: 1000, workingBytes: 1000, notes: [])
    }

    /// As many pictures as are asked for, 16x8 where nothing else is; the seed tells their grey.
    package static func paint(_ request: Request, notes: [String] = []) -> Generation.Result {
        let width = request.width ?? 16
        let height = request.height ?? 8
        let first = request.seed ?? 0
        let pictures = (0..<request.count).map { index in
            let seed = first &+ UInt64(index)
            return Generation.Result.Painted(
                width: width, height: height,
                pixels: Array(repeating: UInt8(truncatingIfNeeded: seed), count: width * height * 3),
                latents: Generation.Result.Latents(shape: [1, 1, 1], values: [0]),
                receipt: receipt(request, seed: seed, width: width, height: height, notes: notes))
        }
        return Generation.Result(
            pictures: pictures, seconds: [.loading: 0.5, .denoising: 1.25], notes: notes)
    }

    private static func receipt(
        _ request: Request, seed: UInt64, width: Int, height: Int, notes: [String]
    ) -> Receipt {
        Receipt(
            gesso: GessoVersion.current,
            model: Receipt.Model(
                name: "fake", family: "sdxl", sha256: "0123456789abcdef",
                files: [Receipt.Model.File(name: "fake.safetensors", sha256: "0123456789abcdef")]),
            prompt: request.prompt, negativePrompt: request.negativePrompt, seed: seed, width: width,
            height: height, steps: request.steps ?? 30, sampler: request.sampler ?? "euler",
            schedule: request.schedule ?? "default", guidanceScale: request.guidanceScale ?? 5,
            guidanceRescale: request.guidanceRescale, clipSkip: request.clipSkip,
            strength: request.image == nil ? nil : request.strength,
            sourceSHA256: request.image == nil ? nil : "fedcba", device: "cpu", libtorch: "2.13",
            plan: "0123abcd",
            precision: ["denoiser": Receipt.Precision(storage: "file", compute: "fp32", residual: "fp32")],
            recoveries: [], notes: notes,
            pixelsSHA256: "abcdef")
    }
}
