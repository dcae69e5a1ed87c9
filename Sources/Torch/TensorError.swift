/// A call into libtorch that failed, with libtorch's own words.
package struct TensorError: Error, Equatable, CustomStringConvertible {
    /// What went wrong, as far as the answer differs: memory can be freed and the call repeated, the rest can't.
    package enum Kind: Sendable, Equatable { case failed, outOfMemory, noDevice }

    /// The operator or function that was called, such as `aten::linear`.
    package let operation: String
    /// libtorch's text, first line only.
    package let message: String
    package let kind: Kind

    package init(operation: String, message: String) {
        self.operation = operation
        // The rest of libtorch's text is a C++ backtrace or advice for Python users.
        let line = message.prefix { $0 != "\n" }
        self.message = String(line)
        let lower = line.lowercased()
        // The allocators' phrases: c10's for CUDA and for the CPU, cuBLAS or cuDNN without workspace, C++'s own.
        let memory = [
            "out of memory", "can't allocate memory", "not enough memory", "alloc_failed", "bad_alloc",
        ]
        let device = [
            "no cuda gpus", "no nvidia driver", "no cuda-capable device", "'cuda' backend", "cuda driver",
        ]
        kind =
            memory.contains { lower.contains($0) }
            ? .outOfMemory : device.contains { lower.contains($0) } ? .noDevice : .failed
    }

    package var description: String { "\(operation): \(message)" }
}
