package import Engine
package import Generation
package import Foundation

/// What every front is made of: the composition root fills it in.
package struct ServerParts: Sendable {
    package var jobs: any JobService
    package var images: any ImageStore
    package var settings: ServerSettings
    /// What the computing side can say of models and prompts; nil leaves those calls out.
    package var inspection: (any Inspection)?
    package var samplers: [SamplerFact]
    /// Brings source pictures by address.
    package var fetcher: any PictureFetching
    package var uploads: UploadShelf
    package var now: @Sendable () -> Date

    package init(
        jobs: any JobService, images: any ImageStore, settings: ServerSettings = ServerSettings(),
        inspection: (any Inspection)? = nil, samplers: [SamplerFact] = [],
        fetcher: (any PictureFetching)? = nil, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.jobs = jobs
        self.images = images
        self.settings = settings
        self.inspection = inspection
        self.samplers = samplers
        self.fetcher = fetcher ?? PictureFetcher(limits: settings.limits)
        uploads = UploadShelf(capacity: settings.limits.uploadBytes, now: now)
        self.now = now
    }
}

/// A sampler as `/v1/samplers` lists it.
package struct SamplerFact: Sendable, Equatable, Encodable {
    package var name: String
    package var title: String
    /// The schedules that go with it, as requests name them.
    package var schedules: [String]
    /// Whether a seed alone repeats its pictures step by step, or it draws noise on the way.
    package var isStochastic: Bool
    /// `sdxl`, `flux`.
    package var families: [String]

    package init(
        name: String, title: String, schedules: [String], isStochastic: Bool, families: [String]
    ) {
        self.name = name
        self.title = title
        self.schedules = schedules
        self.isStochastic = isStochastic
        self.families = families
    }
}

/// What only the computing side knows, as JSON ready to send: the server may not import it.
package protocol Inspection: Sendable {
    /// The precision plan of a model: each stage's formats and why.
    /// - Throws: ``Generation/Failure``.
    func precision(of model: ModelDescription) async throws -> any Encodable & Sendable
    /// A prompt's tokens as a model reads them.
    /// - Throws: ``Generation/Failure``.
    func tokens(of prompt: String, model: ModelDescription) async throws -> any Encodable & Sendable
}
