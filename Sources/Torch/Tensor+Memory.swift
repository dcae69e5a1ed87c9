internal import CTorch

// Making tensors from numbers of the host, and reading them back.
extension Tensor {
    /// A tensor whose elements are not set: only for functions that fill it at once.
    static func empty(_ shape: [Int], _ dtype: DType, on device: Device) throws(TensorError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try unsafe make("empty") { out in
            unsafe ct_empty(
                sizes, Int64(sizes.count), dtype.rawValue, device.kind.rawValue, device.index, out)
        }
    }

    /// A tensor that is a shape and a type alone, on the meta device: for dry runs.
    package static func shaped(_ shape: [Int], _ dtype: DType) throws(TensorError) -> Tensor {
        try empty(shape, dtype, on: .meta)
    }

    /// Copies host memory into a new CPU tensor.
    /// - Parameter bytes: Row-major elements; exactly as many bytes as `shape` and `dtype` need.
    package init(copying bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws(TensorError) {
        let needed = shape.reduce(dtype.byteCount, *)
        guard bytes.count == needed else {
            throw TensorError(
                operation: "copy", message: "\(shape) \(dtype.name) needs \(needed) bytes, not \(bytes.count)"
            )
        }
        let tensor = try Tensor.empty(shape, dtype, on: .cpu)
        var data: UnsafeMutableRawPointer?
        try Tensor.check("data", unsafe tensor.withHandle { unsafe ct_data($0, &data) })
        if let source = bytes.baseAddress, let data = unsafe data {
            unsafe data.copyMemory(from: source, byteCount: needed)
        }
        self = tensor
    }

    /// A CPU tensor of float32 numbers.
    package init(_ values: [Float], shape: [Int]) throws(TensorError) {
        self = try Tensor.filled(values, shape, .float32)
    }

    /// A CPU tensor of float32 numbers drawn from the normal distribution by libtorch's own generator: the same ones in
    /// every process that draws in the same order. For measuring; pictures have a generator of their own.
    package static func normallyDistributed(_ shape: [Int]) throws(TensorError) -> Tensor {
        try Operator("aten::randn")(.ints(shape), .none, .none, .none, .none)
    }

    /// A CPU tensor of 64-bit integers, such as token ids.
    package init(integers values: [Int], shape: [Int]) throws(TensorError) {
        self = try Tensor.filled(values.map(Int64.init), shape, .int64)
    }

    /// Truth values in row-major order.
    package init(booleans values: [Bool], shape: [Int]) throws(TensorError) {
        self = try Tensor.filled(values.map { $0 ? 1 : 0 as UInt8 }, shape, .uint8).to(.bool)
    }

    private static func filled<Element>(
        _ values: [Element], _ shape: [Int], _ dtype: DType
    ) throws(TensorError) -> Tensor {
        // A typed-throws closure can't pass through withUnsafeBytes, so the result crosses as a value.
        let result = unsafe values.withUnsafeBytes { bytes -> Result<Tensor, TensorError> in
            do throws(TensorError) {
                return .success(unsafe try Tensor(copying: bytes, shape: shape, dtype: dtype))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// A CPU tensor over memory of somebody else, such as a mapped checkpoint: nothing is copied.
    /// - Parameters:
    ///   - bytes: Row-major elements, valid and unchanged for as long as `owner` lives.
    ///   - owner: Kept alive until libtorch has let go of the memory.
    package init(
        borrowing bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, owner: any AnyObject & Sendable
    ) throws(TensorError) {
        let needed = shape.reduce(dtype.byteCount, *)
        guard bytes.count == needed, let address = bytes.baseAddress else {
            throw TensorError(
                operation: "borrow",
                message: "\(shape) \(dtype.name) needs \(needed) bytes, not \(bytes.count)")
        }
        let sizes = shape.map(Int64.init)
        let context = unsafe Unmanaged.passRetained(owner as AnyObject)
        do throws(TensorError) {
            self = try unsafe Tensor.make("from_blob") { out in
                unsafe ct_from_blob(
                    UnsafeMutableRawPointer(mutating: address), sizes, Int64(sizes.count), dtype.rawValue,
                    { _, context in
                        guard let context = unsafe context else { return }
                        unsafe Unmanaged<AnyObject>.fromOpaque(context).release()
                    }, context.toOpaque(), out)
            }
        } catch {
            unsafe context.release()
            throw error
        }
    }

    /// The elements as float32, row-major, on the host; waits for the device.
    package func floats() throws(TensorError) -> [Float] {
        try read(as: .float32, Float.self)
    }

    /// The first element as float64, on the host; waits for the device. NaN for a tensor without elements.
    package func number() throws(TensorError) -> Double {
        try read(as: .float64, Double.self).first ?? .nan
    }

    /// The elements of an integer or boolean tensor, row-major, on the host; waits for the device.
    package func integers() throws(TensorError) -> [Int] {
        try read(as: .int64, Int64.self).map(Int.init)
    }

    private func read<Element>(as dtype: DType, _: Element.Type) throws(TensorError) -> [Element] {
        let host = try to(dtype).to(.cpu).contiguous()
        let count = host.elementCount
        guard count > 0 else { return [] }
        var data: UnsafeMutableRawPointer?
        try Tensor.check("data", unsafe host.withHandle { unsafe ct_data($0, &data) })
        guard let data = unsafe data else { return [] }
        return withExtendedLifetime(host) {
            unsafe Array(UnsafeBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count))
        }
    }

    /// The same elements on another device; itself when they are there already.
    package func to(_ device: Device) throws(TensorError) -> Tensor {
        guard device != self.device else { return self }
        let copy = try Tensor.empty(shape, dtype, on: device)
        let status = unsafe withHandle { source in unsafe copy.withHandle { unsafe ct_copy($0, source) } }
        try Tensor.check("copy_", status)
        CallRecorder.note("aten::copy_", on: device, [self], [copy])
        return copy
    }

    /// The same elements in another type; itself when it is that type already.
    package func to(_ dtype: DType) throws(TensorError) -> Tensor {
        guard dtype != self.dtype else { return self }
        return try Operator("aten::to", "dtype")(
            .tensor(self), .dtype(dtype), .bool(false), .bool(false), .none)
    }
}
