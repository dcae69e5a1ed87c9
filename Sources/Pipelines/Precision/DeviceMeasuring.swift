internal import Generation
package import Layers
package import Planning
package import Torch

/// Gets to know a device: from what is remembered of it, or by measuring it once.
package struct DeviceMeasuring: Sendable {
    /// When to measure.
    package enum Occasion: Sendable {
        /// Only what is remembered counts.
        case never
        /// Where nothing is remembered.
        case unknown
        /// In any case.
        case always
    }

    package let device: Device
    package let fingerprint: DeviceFingerprint
    private let cache: ProbeCache?

    /// Opens libtorch and looks at the device.
    /// - Parameter environment: That of the process: it says what to measure, and where it is remembered.
    /// - Throws: ``Failure``: no libtorch, no such device.
    package init(_ device: Device, environment: [String: String]) async throws {
        let libtorch = try failing { try LibTorch.open() }
        try DeviceCheck.require(device, libtorch)
        self.device = device
        do {
            fingerprint = try await DeviceFingerprint(of: device, libtorch, environment: environment)
        } catch {
            throw Failure(error)
        }
        cache = CacheFolder.url(in: environment).map(ProbeCache.init)
    }

    /// What is known of the device, measurements with it where there are any.
    /// - Parameters:
    ///   - begins: Called when measuring begins, which takes seconds.
    ///   - progress: Called at each step of it.
    /// - Throws: ``Failure`` where the device can't be measured; `CancellationError`.
    package func facts(
        measuring occasion: Occasion, begins: @Sendable () -> Void = {},
        progress: @Sendable (OpProbe.Progress) -> Void = { _ in }
    ) async throws -> DeviceFacts {
        let known = occasion == .always ? nil : cache?.profile(fingerprint)
        guard known == nil, occasion != .never else { return fingerprint.facts(known) }
        begins()
        let profile = try await measure(.full, progress: progress)
        cache?.keep(profile, fingerprint)
        return fingerprint.facts(profile)
    }

    /// Measures now and remembers nothing.
    /// - Throws: ``Failure``; `CancellationError`.
    package func measure(
        _ scope: OpProbe.Scope, progress: @Sendable (OpProbe.Progress) -> Void = { _ in }
    ) async throws -> DeviceProfile {
        do {
            return try await OpProbe(device, scope).run(fingerprint: fingerprint.id, progress: progress)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(error)
        }
    }
}
