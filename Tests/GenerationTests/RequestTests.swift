import Testing

@testable import Generation

struct RequestTests {
    @Test func `every field but the source picture is written and read`() throws {
        let fields = Mirror(reflecting: Request(prompt: "x")).children.compactMap(\.label)
        #expect(Set(fields) == Set(Request.CodingKeys.allCases.map(\.rawValue) + ["image"]))
    }

    @Test func `defaults are valid, an empty prompt too`() throws {
        try Request(prompt: "").validate()
    }

    @Test(arguments: [
        ("width", 1000), ("width", 0), ("width", -8), ("width", 8200), ("height", 12), ("height", Int.max),
    ])
    func `a side that is no multiple of 8 or out of range is refused by name`(field: String, value: Int) {
        var request = Request(prompt: "x")
        if field == "width" { request.width = value } else { request.height = value }
        // 1000 is a multiple of 8: the one valid value among the arguments.
        if value == 1000 {
            #expect(throws: Never.self) { try request.validate() }
        } else {
            #expect { try request.validate() } throws: { ($0 as? Failure)?.field == field }
        }
    }

    @Test func `each number out of range names its field`() {
        let changes: [(String, (inout Request) -> Void)] = [
            ("steps", { $0.steps = 0 }), ("steps", { $0.steps = 1001 }), ("count", { $0.count = 0 }),
            ("count", { $0.count = 65 }), ("guidance scale", { $0.guidanceScale = .nan }),
            ("guidance scale", { $0.guidanceScale = -1 }), ("guidance rescale", { $0.guidanceRescale = 1.5 }),
            ("guidance rescale", { $0.guidanceRescale = .nan }), ("clip skip", { $0.clipSkip = -1 }),
            ("strength", { $0.strength = 0 }), ("strength", { $0.strength = 1.1 }),
            ("strength", { $0.strength = .nan }),
            ("prompt", { $0.prompt = String(repeating: "word ", count: 20_000) }),
            ("prompt", { $0.prompt = "o" + String(repeating: "\u{308}", count: 60_000) }),
            ("negative prompt", { $0.negativePrompt = String(repeating: "x", count: 100_000) }),
        ]
        for (field, change) in changes {
            var request = Request(prompt: "x")
            change(&request)
            #expect { try request.validate() } throws: { error in
                guard let failure = error as? Failure else { return false }
                return failure.code == .badRequest && failure.field == field
                    && !failure.message.contains("\n")
            }
        }
    }
}

struct ProgressTests {
    @Test func `time left counts this picture's steps and the pictures to come`() {
        var progress = Progress(.denoising)
        #expect(progress.secondsLeft == nil)
        progress.picture = 1
        progress.pictures = 3
        progress.step = 4
        progress.of = 10
        progress.secondsPerStep = 2
        #expect(progress.secondsLeft == 52.0)
    }
}

struct InfotextTests {
    @Test func `the text is what others parse`() {
        let receipt = Receipt(
            gesso: "0.1.0",
            model: .init(
                name: "paint, fine", family: "sdxl", sha256: String(repeating: "ab", count: 32), files: []),
            prompt: "a fox", negativePrompt: "blurry", seed: 5, width: 1024, height: 768, steps: 20,
            sampler: "dpm++-2m", schedule: "karras", guidanceScale: 7, guidanceRescale: 0, clipSkip: 0,
            strength: 0.55, sourceSHA256: nil, device: "cpu", libtorch: "2.13", plan: "0", precision: [:],
            recoveries: [], notes: [],
            pixelsSHA256: "")
        #expect(
            receipt.infotext == """
                a fox
                Negative prompt: blurry
                Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 1024x768, \
                Model hash: ababababab, Model: "paint, fine", Denoising strength: 0.55, Version: gesso 0.1.0
                """)
    }
}
