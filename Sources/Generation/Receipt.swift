/// Everything that repeats a picture: written into its file, the answer and later the database.
///
/// It holds no time of day, so that the same request gives the same bytes.
package struct Receipt: Sendable, Equatable, Codable {
    package struct Model: Sendable, Equatable, Codable {
        package struct File: Sendable, Equatable, Codable {
            /// The path below the checkpoint's folder, or the file's name.
            package let name: String
            package let sha256: String

            package init(name: String, sha256: String) {
                self.name = name
                self.sha256 = sha256
            }
        }

        package let name: String
        package let family: String
        /// The file's sha256; for a folder, of the list of its files' names and hashes.
        package let sha256: String
        package let files: [File]

        package init(name: String, family: String, sha256: String, files: [File]) {
            self.name = name
            self.family = family
            self.sha256 = sha256
            self.files = files
        }
    }

    package struct Precision: Sendable, Equatable, Codable {
        /// `file` keeps the checkpoint's types.
        package let storage: String
        package let compute: String
        /// The format of the sums that blocks add to.
        package let residual: String
        /// Layers that computed in another format, by path.
        package let sites: [String: String]

        package init(storage: String, compute: String, residual: String, sites: [String: String] = [:]) {
            self.storage = storage
            self.compute = compute
            self.residual = residual
            self.sites = sites
        }
    }

    package var gesso: String
    package var model: Model
    package var prompt: String
    package var negativePrompt: String?
    /// How the prompts are written: `compel`, `a1111`, `plain`; nil in receipts older than dialects, which mean `plain`.
    package var promptDialect: String?
    /// How the prompts were read, token by token; nil for a negative prompt that was not.
    package var promptReport: PromptReport?
    package var negativePromptReport: PromptReport?
    /// Words of textual inversion that the prompts use; nil for none.
    package var embeddings: [Model.File]?
    package var seed: UInt64
    package var width: Int
    package var height: Int
    package var steps: Int
    package var sampler: String
    package var schedule: String
    /// nil for a model that takes none.
    package var guidanceScale: Double?
    /// Of guidance by a negative prompt beside the scale that a model was distilled with; nil where there was none.
    package var trueGuidanceScale: Double?
    package var guidanceRescale: Double
    package var clipSkip: Int
    /// Tokens of the prompt in T5's vocabulary, with its end, and the places of the line they were padded to; nil for
    /// families without T5.
    package var textTokens: Int?
    package var textLength: Int?
    /// Set for a picture painted from another one.
    package var strength: Double?
    package var sourceSHA256: String?
    package var device: String
    package var libtorch: String
    /// The precision plan's name: equal decisions have equal names.
    package var plan: String
    /// By stage: `text_encoder`, `text_encoder_2`, `denoiser`, `vae.encode`, `vae.decode`.
    package var precision: [String: Precision]
    /// What went wrong on the way and was put right.
    package var recoveries: [Recovery]
    /// What was done that the request did not literally say.
    package var notes: [String]
    /// Of the 8-bit RGB pixels, row by row: tells whether two pictures are the same whatever their files say.
    package var pixelsSHA256: String

    package init(
        gesso: String, model: Model, prompt: String, negativePrompt: String?, seed: UInt64, width: Int,
        height: Int,
        steps: Int, sampler: String, schedule: String, guidanceScale: Double?, guidanceRescale: Double,
        clipSkip: Int, strength: Double?, sourceSHA256: String?, device: String, libtorch: String,
        plan: String, precision: [String: Precision], recoveries: [Recovery], notes: [String],
        pixelsSHA256: String
    ) {
        self.gesso = gesso
        self.model = model
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.seed = seed
        self.width = width
        self.height = height
        self.steps = steps
        self.sampler = sampler
        self.schedule = schedule
        self.guidanceScale = guidanceScale
        self.guidanceRescale = guidanceRescale
        self.clipSkip = clipSkip
        self.strength = strength
        self.sourceSHA256 = sourceSHA256
        self.device = device
        self.libtorch = libtorch
        self.plan = plan
        self.precision = precision
        self.recoveries = recoveries
        self.notes = notes
        self.pixelsSHA256 = pixelsSHA256
    }
}
