package import Generation
package import Planning

/// Measures a plan of one checkpoint against float32.
package protocol PlanVerification: Sendable {
    /// The checkpoint's name and its family.
    var model: String { get }
    var family: String { get }
    /// What is verified.
    var plan: Plan { get }

    /// What earlier runs of the checkpoint have taught; nil where nothing is kept.
    var remembered: PrecisionMemory.Entry? { get }

    /// The largest magnitude at each layer of the reference, by stage: of the last verification that looked.
    var ranges: [Stage: [String: Double]] { get async }

    /// Computes both, one model at a time, and compares.
    /// - Throws: ``Failure``: a request that makes no sense, too little memory for the reference (`cannotRun`), a broken
    ///   checkpoint, or a reference that is no picture itself; `CancellationError`. A gate that is not passed is no error:
    ///   ``VerificationReport/passed`` says so.
    func verify(
        _ settings: VerificationSettings, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> VerificationReport
}
