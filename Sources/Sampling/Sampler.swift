/// A way from noise to picture: an entry of the catalogue.
///
/// To add one, write a ``Solver`` in a file of its own in Solvers/, describe it there as a static constant of
/// this type, and add that to ``catalogue``.
package struct Sampler: Sendable {
    /// The name that people type and receipts record.
    package let name: String
    /// The name for menus.
    package let title: String
    /// Other names for it, in the spelling of ``name``.
    package let aliases: [String]
    /// The class of diffusers whose pictures it paints.
    package let className: String
    /// By which power of the step length the error shrinks.
    package var order = 1
    /// Whether each step draws fresh noise, so that more steps paint another picture.
    package var isAncestral = false
    /// The spacing where the checkpoint names none.
    package var defaultSpacing = TimestepSpacing.linspace
    /// What a model may predict to be used with it.
    package let predictions: [PredictionType]
    /// The sigma spacings it can be asked for.
    package var sigmaSpacings: [SigmaSpacing] = []
    /// The timestep spacings it can be asked for.
    package var timestepSpacings = TimestepSpacing.allCases

    /// The fields that the class in diffusers does not have, of those that change the pictures of classes
    /// that do.
    let ignoredFields: Set<SchedulerConfiguration.Keys>
    /// Those of the fields which no other class can be followed in that this one is.
    var followedFields: Set<SchedulerConfiguration.Keys> = []
    /// How many of the schedule's steps run for a strength of image to image; nil cuts to a whole number.
    var runningSteps: (@Sendable (_ steps: Int, _ strength: Double) -> Int)?
    /// Within which magnitude denoised latents are kept; `nil` where they are not clipped.
    var denoisedLimit: @Sendable (SchedulerConfiguration) -> Double? = { _ in nil }
    /// Lays out the whole schedule; at least one step.
    let path: @Sendable (ScheduleRequest) throws(SamplingError) -> SchedulePath
    /// The solver for a schedule of a number of steps.
    let makeSolver: @Sendable (ScheduleRequest, Int) throws(SamplingError) -> any Solver
}

extension Sampler {
    /// All samplers of models that were trained on diffusion, in the order of menus.
    package static let catalogue: [Sampler] = [.euler, .eulerAncestral, .dpmPlusPlus2M, .ddim]

    /// Those of models that were trained on straight flows from picture to noise.
    package static let flowCatalogue: [Sampler] = [.flowEuler]

    /// Finds a sampler by its name, an alias or its title; case, and which of space, `_` and `-` separates
    /// words, do not matter.
    package static func named(
        _ text: String, among catalogue: [Sampler] = catalogue
    ) throws(SamplingError) -> Sampler {
        let wanted = spelling(text)
        let match = catalogue.first { sampler in
            sampler.name == wanted || sampler.aliases.contains(wanted) || spelling(sampler.title) == wanted
        }
        guard let match else { throw .unknownSampler(text, known: catalogue.map(\.name)) }
        return match
    }

    /// Finds a sampler of any kind of model, before it is known which one it is for.
    package static func known(_ text: String) throws(SamplingError) -> Sampler {
        do throws(SamplingError) { return try named(text) } catch {
            guard let flow = try? named(text, among: flowCatalogue) else { throw error }
            return flow
        }
    }

    /// The sampler that a checkpoint's configuration names as its own.
    ///
    /// - Throws: ``SamplingError/field(_:found:expected:)`` when it names none, or one that is not in the
    ///   catalogue.
    package static func preferred(
        by configuration: SchedulerConfiguration, among catalogue: [Sampler] = catalogue
    ) throws(SamplingError) -> Sampler {
        guard let match = catalogue.first(where: { $0.className == configuration.className }) else {
            throw .field(
                SchedulerConfiguration.Keys.className.rawValue,
                found: configuration.className.map { "\"\($0)\"" } ?? "absent",
                expected: "one of \(catalogue.map(\.className).joined(separator: ", "))")
        }
        return match
    }

    private static func spelling(_ text: String) -> String {
        String(text.lowercased().map { $0 == " " || $0 == "_" ? "-" : $0 })
    }
}

extension Sampler: Equatable {
    /// No two samplers are of the same class.
    package static func == (left: Sampler, right: Sampler) -> Bool { left.className == right.className }
}
