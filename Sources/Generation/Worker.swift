/// What turns requests into pictures: the pipelines, and a fake in tests of what lies above them.
package protocol Worker: Sendable {
    /// Paints.
    /// - Parameter progress: Called often, on any thread; it must return at once.
    /// - Throws: ``Failure``, or `CancellationError` when the task was cancelled, which is looked at between steps.
    func run(_ request: Request, progress: @escaping @Sendable (Progress) -> Void) async throws -> Result
    /// What a request comes to: everything that ``run(_:progress:)`` would refuse is refused, nothing is computed.
    /// - Throws: ``Failure``.
    func examine(_ request: Request) async throws -> Examination
    /// Brings the weights to where the plan keeps them, and refuses a checkpoint whose weights are broken. A worker that
    /// was not told loads what it needs when it runs.
    /// - Throws: ``Failure``; `CancellationError`.
    func load() async throws
}

extension Worker {
    /// Runs every stage once, in the planned formats and at the size that will be served: the first check of a plan on
    /// real weights, and what makes the first request as fast as the second. For every family, and never skipped for fear
    /// of a precision: what is to be feared is found here.
    /// - Parameters: `width`, `height`: pixels; nil for the size the checkpoint was trained at.
    /// - Returns: What went wrong and was put right.
    /// - Throws: ``Failure``.
    @discardableResult
    package func warmUp(width: Int? = nil, height: Int? = nil) async throws -> [Recovery] {
        var request = Request(prompt: "warm-up")
        request.width = width
        request.height = height
        request.steps = 1
        request.seed = 0
        return try await run(request) { _ in }.pictures.flatMap(\.receipt.recoveries)
    }
}
