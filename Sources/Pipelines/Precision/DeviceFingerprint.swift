internal import Foundation
internal import Layers
package import Planning
package import Torch

/// Everything that measurements of a device depend on: what was measured under one fingerprint is true under no other.
package struct DeviceFingerprint: Sendable, Equatable, Codable {
    /// `cpu`, `cuda:0` ...
    package let device: String
    package let kind: DeviceFacts.Kind
    /// The processor's or the card's name.
    package let name: String
    /// CUDA's compute capability times ten; nil on a CPU.
    package let capability: Int?
    /// CUDA's version as the driver and as libtorch have it, such as `12080/12080`; nil on a CPU.
    package let cuda: String?
    /// `2.13`
    package let libtorch: String
    /// The processor's ``HostProcessor/features``.
    package let features: [String]
    /// With how many threads a CPU computes.
    package let threads: Int
    /// Those of ``settings`` that are set, with their values.
    package let environment: [String: String]
    /// Versions of what measures and of what judges.
    package let probe, plan: Int

    /// Environment variables that change how fast or in what libtorch computes.
    package static let settings = [
        "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "MKL_CBWR",
        "MKL_ENABLE_INSTRUCTIONS", "NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA",
        "OMP_PLACES", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    ]

    /// Asks libtorch and the system.
    /// - Parameter environment: That of the process.
    /// - Throws: ``TensorError``.
    package init(
        of device: Device, _ libtorch: LibTorch.Opened, environment: [String: String]
    ) async throws {
        let processor = HostProcessor.current
        let facts = DeviceFacts(unmeasured: device)
        self.device = facts.device
        kind = facts.kind
        name = facts.name
        capability = facts.capability
        cuda = facts.kind == .cuda ? LibTorch.cudaVersions.map { "\($0.driver)/\($0.runtime)" } : nil
        self.libtorch = libtorch.version
        features = processor.features
        threads = try await DeviceActor.of(device).run { try LibTorch.threadCount() }
        self.environment = environment.filter { Self.settings.contains($0.key) && !$0.value.isEmpty }
        probe = OpProbe.version
        plan = Plan.version
    }

    /// A short name: equal fingerprints have equal ones.
    package var id: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Strings and numbers can always be encoded.
        let bytes = (try? encoder.encode(self)).map(Array.init) ?? []
        return String(FileHashes.sha256(bytes).prefix(16))
    }

    /// What is known of the device besides.
    package func facts(_ profile: DeviceProfile?) -> DeviceFacts {
        DeviceFacts(device: device, kind: kind, capability: capability, name: name, profile: profile)
    }
}
