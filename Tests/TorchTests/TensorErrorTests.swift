import Testing
import Torch

/// What libtorch's words mean to whoever called.
struct TensorErrorTests {
    @Test(arguments: [
        ("CUDA out of memory. Tried to allocate 20.00 MiB", TensorError.Kind.outOfMemory),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 67108864 bytes", .outOfMemory),
        ("std::bad_alloc", .outOfMemory),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", .outOfMemory),
        ("Found no NVIDIA driver on your system", .noDevice),
        ("mat1 and mat2 shapes cannot be multiplied", .failed),
    ])
    func `memory that ran out is told from other failures, whoever's words they are`(
        message: String, kind: TensorError.Kind
    ) {
        #expect(TensorError(operation: "aten::gelu", message: message).kind == kind)
    }
}
