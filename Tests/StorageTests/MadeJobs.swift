import Generation

import struct Foundation.Date

/// A moment that all tests count from.
let start = Date(timeIntervalSinceReferenceDate: 800_000_000.123_456_7)

func later(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

/// An id of a test's own: its text is known to be one.
func id(_ text: String) -> JobID {
    guard let id = JobID(text) else { preconditionFailure("'\(text)' is no id") }
    return id
}

func key(_ text: String) -> ImageKey {
    guard let key = ImageKey(text) else { preconditionFailure("'\(text)' is no key") }
    return key
}

func job(
    _ name: String, prompt: String = "a red panda", caller: String = "ann", model: String = "sdxl",
    at seconds: Double = 0,
    image: [UInt8]? = nil
) -> Job {
    var request = Request(prompt: prompt)
    request.image = image
    return Job(
        id: id(name), caller: caller, model: model, request: request, submitted: later(seconds), front: "api")
}

/// What a worker's pictures look like to a store.
func picture(_ job: JobID, _ index: Int = 0, prompt: String = "a red panda") -> StoredPicture {
    let receipt = Receipt(
        gesso: "0.1.0",
        model: .init(name: "sdxl", family: "sdxl", sha256: "ab", files: [.init(name: "unet", sha256: "cd")]),
        prompt: prompt, negativePrompt: nil, seed: .max - UInt64(index), width: 1024, height: 1024, steps: 30,
        sampler: "euler", schedule: "default", guidanceScale: 5.1, guidanceRescale: 0.1 + 0.2, clipSkip: 0,
        strength: nil, sourceSHA256: nil, device: "cpu", libtorch: "2.13.0", plan: "0123abcd",
        precision: ["denoiser": .init(storage: "file", compute: "fp32", residual: "fp32")], recoveries: [],
        notes: ["a note"], pixelsSHA256: "ef")
    return StoredPicture(
        key: key("\(job)/\(index).png"), thumbnail: key("\(job)/\(index).thumb.jpg"),
        contentType: "image/png",
        byteCount: 1_234_567, width: 1024, height: 1024, receipt: receipt)
}

func done(_ job: JobID, _ count: Int = 1) -> JobOutcome {
    .done(
        (0..<count).map { picture(job, $0) }, notes: ["the size is the checkpoint's own"],
        seconds: [.denoising: 12.25, .sourcePicture: 0.1])
}

/// A progress in the middle of painting.
func halfway() -> Progress {
    var progress = Progress(.denoising)
    progress.picture = 1
    progress.pictures = 1
    progress.step = 15
    progress.of = 30
    progress.secondsPerStep = 0.4
    return progress
}
