/// What turns requests into pictures: the pipelines, and a fake in tests of what lies above them.
package protocol Worker: Sendable {
    /// Paints.
    /// - Parameter progress: Called often, on any thread; it must return at once.
    /// - Throws: ``Failure``, or `CancellationError` when the task was cancelled, which is looked at between steps.
    func run(_ request: Request, progress: @escaping @Sendable (Progress) -> Void) async throws -> Result
}
