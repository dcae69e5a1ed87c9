internal import Generation
package import Planning
package import Torch

/// Whether a device is there.
enum DeviceCheck {
    /// - Throws: ``Failure`` for a card that libtorch does not see.
    static func require(_ device: Device, _ libtorch: LibTorch.Opened) throws(Failure) {
        guard device.kind == .cuda else { return }
        let cards = LibTorch.cudaDeviceCount()
        guard libtorch.supportsCUDA, Int(device.index) < cards else {
            throw Failure(
                .cannotRun,
                libtorch.supportsCUDA
                    ? "device \(device) is not there: libtorch sees \(cards) CUDA cards"
                    : "device \(device) needs a CUDA build of libtorch; \(libtorch.path) is for CPUs",
                field: "device")
        }
    }
}

extension DeviceFacts {
    /// A device of which only its kind is known.
    package init(unmeasured device: Device) {
        switch device.kind {
        case .cuda:
            let index = Int(device.index)
            self.init(
                device: "\(device)", kind: .cuda, capability: LibTorch.cudaCapability(index),
                name: LibTorch.cudaName(index) ?? "CUDA card \(index)")
        default:
            self.init(device: "cpu", kind: .cpu, name: HostProcessor.current.name ?? "CPU")
        }
    }
}
