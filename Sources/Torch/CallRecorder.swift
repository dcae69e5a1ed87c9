internal import Synchronization

/// Keeps an account of every operator that runs: what it was, where, and in which types.
///
/// A run's account is compared with its plan: a kernel on another device or in another type than planned is found
/// whether or not it happened to work there. Off, it costs one atomic read a call.
package enum CallRecorder {
    /// One kind of call, as the device saw it.
    package struct Call: Sendable, Hashable, CustomStringConvertible {
        /// The operator, such as `aten::linear`.
        package let operation: String
        /// Where its result lies.
        package let device: Device
        /// The types of its tensors, in order, then of its results.
        package let inputs: [DType]
        package let outputs: [DType]
        /// Devices of its tensors, each once.
        package let inputDevices: Set<Device>

        /// Whether it only moves or converts numbers.
        package var isTransfer: Bool {
            ["aten::to", "aten::copy_", "aten::contiguous"].contains(operation)
        }

        package var description: String {
            "\(operation) on \(device): \(inputs.map(\.name).joined(separator: ", ")) -> "
                + outputs.map(\.name).joined(separator: ", ")
        }
    }

    private static let active = Atomic(false)
    private static let account = Mutex<[Call: Int]>([:])

    static var isRecording: Bool { active.load(ordering: .relaxed) }

    /// Starts an account; one that was running is dropped.
    package static func start() {
        account.withLock { $0 = [:] }
        active.store(true, ordering: .sequentiallyConsistent)
    }

    /// Ends the account.
    /// - Returns: How often each kind of call ran, of all device threads.
    package static func stop() -> [Call: Int] {
        active.store(false, ordering: .sequentiallyConsistent)
        return account.withLock { account in
            defer { account = [:] }
            return account
        }
    }

    static func note(_ operation: StaticString, on device: Device, _ inputs: [Tensor], _ outputs: [Tensor]) {
        guard isRecording else { return }
        let call = Call(
            operation: "\(operation)", device: outputs.first?.device ?? device, inputs: inputs.map(\.dtype),
            outputs: outputs.map(\.dtype), inputDevices: Set(inputs.map(\.device)))
        account.withLock { $0[call, default: 0] += 1 }
    }

    static func note(_ operation: StaticString, _ arguments: [Argument], _ outputs: [Tensor]) {
        var inputs: [Tensor] = []
        for argument in arguments {
            switch argument {
            case .tensor(let tensor), .optionalTensor(.some(let tensor)): inputs.append(tensor)
            case .tensors(let tensors): inputs += tensors
            default: break
            }
        }
        note(operation, on: .cpu, inputs, outputs)
    }
}
