internal import Engine
internal import Foundation
internal import Generation

/// A job as `/v1` shows it.
struct GenerationView: Encodable {
    struct ProgressView: Encodable {
        let stage: String
        let picture: Int
        let pictures: Int
        let step: Int
        let of: Int
        let secondsPerStep: Double?

        init(_ progress: Generation.Progress) {
            stage = progress.stage.rawValue
            picture = progress.picture
            pictures = progress.pictures
            step = progress.step
            of = progress.of
            secondsPerStep = progress.secondsPerStep
        }
    }

    struct PictureView: Encodable {
        let url: String
        let thumbnailUrl: String?
        let contentType: String
        let bytes: Int
        let width: Int
        let height: Int
        let seed: UInt64
        /// The seed's digits, for readers whose numbers end at 2^53.
        let seedText: String
        let receipt: Receipt

        init(_ picture: StoredPicture, number: Int, job: JobID) {
            url = ImageAddress.picture(job, number, picture.contentType)
            thumbnailUrl = picture.thumbnail == nil ? nil : ImageAddress.thumbnail(job, number)
            contentType = picture.contentType
            bytes = picture.byteCount
            width = picture.width
            height = picture.height
            seed = picture.receipt.seed
            seedText = "\(picture.receipt.seed)"
            receipt = picture.receipt
        }
    }

    struct FaultView: Encodable {
        let code: String
        let message: String
        let field: String?

        init(_ failure: Failure) {
            code = failure.code.rawValue
            message = failure.message
            field = failure.field.map(Rejection.snakeCase)
        }
    }

    /// What was asked for, in the wire's words; left out is what was left out.
    struct RequestView: Encodable {
        let prompt: String
        let negativePrompt: String?
        let promptDialect: String
        let width: Int?
        let height: Int?
        let steps: Int?
        let guidanceScale: Double?
        let trueGuidanceScale: Double?
        let guidanceRescale: Double?
        let textTokens: Int?
        let seed: UInt64?
        let seedText: String?
        let count: Int
        let sampler: String?
        let schedule: String?
        let clipSkip: Int?
        let strength: Double?
        let format: String
        let quality: Int?
        let embedReceipt: Bool

        init(_ request: Generation.Request, _ output: OutputOptions, hasSource: Bool) {
            prompt = request.prompt
            negativePrompt = request.negativePrompt
            promptDialect = request.promptDialect.rawValue
            width = request.width
            height = request.height
            steps = request.steps
            guidanceScale = request.guidanceScale
            trueGuidanceScale = request.trueGuidanceScale
            guidanceRescale = request.guidanceRescale == 0 ? nil : request.guidanceRescale
            textTokens = request.textTokens
            seed = request.seed
            seedText = request.seed.map { "\($0)" }
            count = request.count
            sampler = request.sampler
            schedule = request.schedule
            clipSkip = request.clipSkip == 0 ? nil : request.clipSkip
            strength = hasSource ? request.strength : nil
            format = output.format
            quality = output.quality
            embedReceipt = output.embedsReceipt
        }
    }

    let id: String
    let status: String
    let model: String
    let caller: String
    let front: String
    let request: RequestView
    let priority: Int
    let created: Date
    let started: Date?
    let finished: Date?
    let deadline: Date?
    let timeLimitSeconds: Double?
    let attempts: Int
    let position: Int?
    let secondsLeft: Double?
    let cancelling: Bool
    let progress: ProgressView?
    let pictures: [PictureView]
    let notes: [String]
    let seconds: [String: Double]?
    let error: FaultView?
    let favourite: Bool
    let tags: [String]

    init(_ view: JobView) {
        let record = view.record
        let job = record.job
        id = job.id.text
        status = record.status.rawValue
        model = job.model
        caller = job.caller
        front = job.front
        // The store keeps the source picture apart; a picture painted from one says so in its receipt too.
        let hasSource = job.request.image != nil || record.pictures.contains { $0.receipt.strength != nil }
        request = RequestView(job.request, job.output, hasSource: hasSource)
        priority = job.priority
        created = job.submitted
        started = record.started
        finished = record.finished
        deadline = job.deadline
        timeLimitSeconds = job.timeLimit
        attempts = record.attempts
        position = view.position
        secondsLeft = view.secondsLeft
        cancelling = record.isCancelling && !record.status.isFinished
        progress = record.status == .running ? record.progress.map { ProgressView($0) } : nil
        pictures = record.pictures.enumerated().map { PictureView($1, number: $0, job: job.id) }
        if case .done(_, let notes, let seconds)? = record.outcome {
            self.notes = notes
            self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
        } else {
            (notes, seconds) = ([], nil)
        }
        error = record.failure.map(FaultView.init)
        favourite = record.isFavourite
        tags = record.tags
    }
}

/// A page of jobs.
struct GenerationList: Encodable {
    let generations: [GenerationView]
    let cursor: String?
}

/// What a request would come to.
struct EstimateView: Encodable {
    let model: String
    let width: Int
    let height: Int
    let steps: Int
    let count: Int
    let sampler: String
    let schedule: String
    let guidanceScale: Double?
    let promptTokens: Int
    let negativePromptTokens: Int
    let plan: String
    let formats: [String: String]
    let modelBytes: Int
    let workingBytes: Int
    let notes: [String]
    let seconds: Double?
    let loaded: Bool
    let jobsBefore: Int

    init(_ estimate: Estimate, model: String) {
        let examination = estimate.examination
        self.model = model
        width = examination.width
        height = examination.height
        steps = examination.steps
        count = examination.count
        sampler = examination.sampler
        schedule = examination.schedule
        guidanceScale = examination.guidanceScale
        promptTokens = examination.promptTokens
        negativePromptTokens = examination.negativePromptTokens
        plan = examination.plan
        formats = examination.formats
        modelBytes = examination.modelBytes
        workingBytes = examination.workingBytes
        notes = examination.notes
        seconds = estimate.seconds
        loaded = estimate.isLoaded
        jobsBefore = estimate.jobsBefore
    }
}
