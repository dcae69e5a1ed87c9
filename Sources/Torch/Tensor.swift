internal import CTorch

/// An immutable array of numbers on a device: a value over one libtorch reference.
///
/// Operators run on the device's own thread (`DeviceActor.run`) and throw libtorch's error. They are spelled as in
/// the papers, with shapes in the parameters' documentation.
package struct Tensor: Sendable {
    fileprivate let storage: Storage

    fileprivate init(adopting handle: CTTensor) {
        storage = unsafe Storage(adopting: handle)
    }

    /// The elements along each axis; empty for a single number.
    package var shape: [Int] {
        var rank: Int64 = 0
        var sizes: UnsafePointer<Int64>?
        guard unsafe ct_rank(storage.handle, &rank) == 0, unsafe ct_sizes(storage.handle, &sizes) == 0,
            let sizes = unsafe sizes
        else { return [] }
        return (0..<Int(rank)).map { unsafe Int(sizes[$0]) }
    }

    package var elementCount: Int { shape.reduce(1, *) }

    package var dtype: DType {
        var code: Int32 = 0
        guard unsafe ct_dtype(storage.handle, &code) == 0, let dtype = DType(rawValue: code) else {
            preconditionFailure("a tensor with an element type Gesso never makes: \(Self.lastMessage)")
        }
        return dtype
    }

    package var device: Device {
        var kind: Int32 = 0
        var index: Int32 = 0
        guard unsafe ct_device(storage.handle, &kind, &index) == 0 else {
            preconditionFailure("a tensor without a device: \(Self.lastMessage)")
        }
        switch Device.Kind(rawValue: kind) {
        case .cuda: return .cuda(Int(index))
        case .meta: return .meta
        default: return .cpu
        }
    }

    /// Whether the elements lie in memory in row-major order without gaps.
    package var isContiguous: Bool {
        var contiguous = false
        return unsafe ct_is_contiguous(storage.handle, &contiguous) == 0 && contiguous
    }

    /// Lends the handle for one call.
    func withHandle<Result>(_ body: (CTTensor) -> Result) -> Result {
        unsafe body(storage.handle)
    }

    // MARK: - The funnel

    /// libtorch's text for the calling thread's newest failure.
    static var lastMessage: String { unsafe String(cString: ct_last_message()) }

    /// Runs one C call that fills `out`, and turns a non-zero status into a thrown error.
    static func make(
        _ operation: StaticString, _ call: (UnsafeMutablePointer<CTTensor?>) -> Int32
    ) throws(TensorError) -> Tensor {
        var out: CTTensor?
        guard unsafe call(&out) == 0, let handle = unsafe out else {
            // The text is thread-local and borrowed: copy it before anything else can fail.
            throw TensorError(operation: "\(operation)", message: lastMessage)
        }
        return unsafe Tensor(adopting: handle)
    }

    /// Adopts the results of a dispatcher call.
    static func adopt(_ handles: [CTTensor?]) -> [Tensor] {
        unsafe handles.compactMap { handle in unsafe handle.map { unsafe Tensor(adopting: $0) } }
    }

    /// Runs one C call that returns only a status.
    static func check(_ operation: StaticString, _ status: Int32) throws(TensorError) {
        guard status == 0 else { throw TensorError(operation: "\(operation)", message: lastMessage) }
    }
}

/// Owns one reference on a libtorch tensor.
///
/// `@unchecked Sendable`: the handle is set once, nothing mutates a tensor after the function that made it has
/// returned (in-place kernels run only inside this target, on results nobody else has seen), and libtorch counts
/// references atomically, so deleting on another thread is safe.
@safe private final class Storage: @unchecked Sendable {
    let handle: CTTensor

    init(adopting handle: CTTensor) { unsafe self.handle = handle }

    deinit { unsafe ct_delete_tensor(handle) }
}
