/// What a device says of itself, and what was measured on it.
package struct DeviceFacts: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable { case cpu, cuda }

    /// `cpu`, `cuda:0` ...
    package let device: String
    package let kind: Kind
    /// CUDA's compute capability times ten, such as 86; nil on a CPU.
    package let capability: Int?
    /// The card's or the processor's name.
    package let name: String
    /// What was measured; nil where measuring was skipped.
    package let profile: DeviceProfile?

    package init(
        device: String, kind: Kind, capability: Int? = nil, name: String, profile: DeviceProfile? = nil
    ) {
        self.device = device
        self.kind = kind
        self.capability = capability
        self.name = name
        self.profile = profile
    }

    /// A CPU of which nothing is known but that it is one.
    package static let plainCPU = DeviceFacts(device: "cpu", kind: .cpu, name: "CPU")

    /// Whether bfloat16 is the hardware's own: asked by capability, because the permissive query says yes to emulation.
    /// A CPU's answer is its timings.
    package var hasNativeBF16: Bool {
        switch kind {
        case .cuda: (capability ?? 0) >= 80
        case .cpu: true
        }
    }

    /// The cards whose float16 convolutions are known to give NaN (a veto, never a permission).
    package var hasBrokenFP16: Bool {
        kind == .cuda && capability == 75
            && ["GTX 16", "T500", "T550", "T600", "T1000", "T1200", "MX450", "MX550"].contains {
                name.contains($0)
            }
    }
}
