package import Engine
package import Foundation
package import Generation

/// What every front is made of: the composition root fills it in.
package struct ServerParts: Sendable {
    package var jobs: any JobService
    package var images: any ImageStore
    /// One for all fronts: a key's jobs are counted together.
    package let admission = Admission()
    package var settings: ServerSettings
    /// What the computing side can say of models and prompts; nil leaves those calls out.
    package var inspection: (any Inspection)?
    package var samplers: [SamplerFact]
    /// Brings source pictures by address.
    package var fetcher: any PictureFetching
    package var uploads: UploadShelf
    package var runpod = RunPodSettings()
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
    /// Other names that requests may use.
    package var aliases: [String]
    package var order: Int
    /// Whether each step draws fresh noise.
    package var ancestral: Bool
    /// The words that `schedule` takes with it.
    package var timesteps: [String]
    package var sigmas: [String]

    package init(
        name: String, title: String, aliases: [String], order: Int, ancestral: Bool, timesteps: [String],
        sigmas: [String]
    ) {
        self.name = name
        self.title = title
        self.aliases = aliases
        self.order = order
        self.ancestral = ancestral
        self.timesteps = timesteps
        self.sigmas = sigmas
    }
}

/// What only the computing side knows, as JSON ready to send: the server may not import it.
package protocol Inspection: Sendable {
    /// The precision plan of a model: each stage's formats and why.
    /// - Parameter resident: Bytes that models hold now, and that the engine lets go where this one needs them.
    /// - Throws: ``Generation/Failure``.
    func precision(of model: ModelDescription, resident: Int) async throws -> any Encodable & Sendable
    /// A prompt's tokens as a model reads them.
    /// - Throws: ``Generation/Failure``.
    func tokens(
        of prompt: String, dialect: Generation.Request.Dialect, model: ModelDescription
    ) async throws -> any Encodable & Sendable
}
