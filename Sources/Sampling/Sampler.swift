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

    /// The fields that the class in diffusers does not have, of those that change the pictures of classes
    /// that do.
    let ignoredFields: Set<SchedulerConfiguration.Keys>
    /// Within which magnitude denoised latents are kept; `nil` where they are not clipped.
    var denoisedLimit: @Sendable (SchedulerConfiguration) -> Double? = { _ in nil }
    /// Lays out the whole schedule; at least one step.
    let path: @Sendable (ScheduleRequest) throws(SamplingError) -> SchedulePath
    /// The solver for a schedule of a number of steps.
    let makeSolver: @Sendable (ScheduleRequest, Int) throws(SamplingError) -> any Solver
}

extension Sampler {
    /// All samplers, in the order of menus.
    package static let catalogue: [Sampler] = [.euler, .eulerAncestral, .dpmPlusPlus2M, .ddim]

    /// Finds a sampler by its name, an alias or its title; case, and which of space, `_` and `-` separates
    /// words, do not matter.
    package static func named(_ text: String) throws(SamplingError) -> Sampler {
        let wanted = spelling(text)
        let match = catalogue.first { sampler in
            sampler.name == wanted || sampler.aliases.contains(wanted) || spelling(sampler.title) == wanted
        }
        guard let match else { throw .unknownSampler(text, known: catalogue.map(\.name)) }
        return match
    }

    /// The sampler that a checkpoint's configuration names as its own.
    ///
    /// - Throws: ``SamplingError/field(_:found:expected:)`` when it names none, or one that is not in the
    ///   catalogue.
    package static func preferred(by configuration: SchedulerConfiguration) throws(SamplingError) -> Sampler {
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
    /// Names are unique in the catalogue.
    package static func == (left: Sampler, right: Sampler) -> Bool { left.name == right.name }
}
