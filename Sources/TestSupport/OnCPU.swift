internal import Torch

/// Opens libtorch and runs `body` on the CPU's device thread, as every computing test does.
/// - Throws: An error that fails the test when there is no libtorch: a suite that cannot run must not pass.
package func onCPU<Result: Sendable>(_ body: @Sendable () throws -> Result) async throws -> Result {
    _ = try LibTorch.open()
    return try await DeviceActor.of(.cpu).run(body)
}
