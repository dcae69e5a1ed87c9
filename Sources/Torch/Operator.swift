internal import CTorch

/// One argument of an operator, in the order of its schema; the dispatcher has no defaults.
enum Argument {
    /// An optional parameter without a value.
    case none
    case tensor(Tensor)
    case optionalTensor(Tensor?)
    case tensors([Tensor])
    case int(Int)
    case double(Double)
    case optionalDouble(Double?)
    case bool(Bool)
    case ints([Int])
    case optionalInts([Int]?)
    case dtype(DType)
    case channelsLast(Bool)
    case string(StaticString)
}

/// A call of one operator by name through libtorch's dispatcher.
struct Operator {
    let name: StaticString
    let overload: StaticString

    init(_ name: StaticString, _ overload: StaticString = "") {
        self.name = name
        self.overload = overload
    }

    /// Calls an operator with one result.
    func callAsFunction(_ arguments: Argument...) throws(TensorError) -> Tensor {
        let results = try call(arguments, results: 1)
        return results[0]
    }

    /// Calls an operator with `results` tensors as its answer.
    func call(_ arguments: [Argument], results: Int) throws(TensorError) -> [Tensor] {
        // All lists share two buffers, so that the pointers stay valid for the call without nesting closures.
        var integers: [Int64] = []
        var handles: [CTTensor?] = unsafe []
        for argument in arguments {
            switch argument {
            case .ints(let values), .optionalInts(.some(let values)): integers += values.map(Int64.init)
            case .tensors(let tensors):
                for tensor in tensors { unsafe tensor.withHandle { unsafe handles.append($0) } }
            default: break
            }
        }
        var out: [CTTensor?] = unsafe Array(repeating: nil, count: results)
        let status = unsafe integers.withUnsafeBufferPointer { integers in
            unsafe handles.withUnsafeBufferPointer { handles in
                var integerOffset = 0
                var handleOffset = 0
                let packed = unsafe arguments.map { argument in
                    unsafe pack(argument, integers, &integerOffset, handles, &handleOffset)
                }
                return unsafe ct_call(
                    pointer(name), pointer(overload), packed, Int32(packed.count), &out, Int32(results))
            }
        }
        return try withExtendedLifetime(arguments) { () throws(TensorError) -> [Tensor] in
            try Tensor.check(name, status)
            let results = unsafe Tensor.adopt(out)
            if CallRecorder.isRecording { CallRecorder.note(name, arguments, results) }
            return results
        }
    }

    private func pointer(_ string: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func pack(
        _ argument: Argument, _ integers: UnsafeBufferPointer<Int64>, _ integerOffset: inout Int,
        _ handles: UnsafeBufferPointer<CTTensor?>, _ handleOffset: inout Int
    ) -> CTArgument {
        var packed = unsafe CTArgument()
        func kind(_ kind: Int) { unsafe packed.kind = Int32(kind) }
        switch argument {
        case .none, .optionalTensor(nil), .optionalDouble(nil), .optionalInts(nil): kind(CT_ARG_NONE)
        case .tensor(let tensor):
            kind(CT_ARG_TENSOR)
            unsafe tensor.withHandle { unsafe packed.pointer = UnsafeRawPointer($0) }
        case .optionalTensor(.some(let tensor)):
            kind(CT_ARG_SOME_TENSOR)
            unsafe tensor.withHandle { unsafe packed.pointer = UnsafeRawPointer($0) }
        case .tensors(let tensors):
            kind(CT_ARG_TENSORS)
            unsafe packed.pointer = handles.baseAddress.map { unsafe UnsafeRawPointer($0 + handleOffset) }
            unsafe packed.count = tensors.count
            handleOffset += tensors.count
        case .int(let value):
            kind(CT_ARG_INT)
            unsafe packed.integer = Int64(value)
        case .double(let value):
            kind(CT_ARG_DOUBLE)
            unsafe packed.number = value
        case .optionalDouble(.some(let value)):
            kind(CT_ARG_SOME_DOUBLE)
            unsafe packed.number = value
        case .bool(let value):
            kind(CT_ARG_BOOL)
            unsafe packed.integer = value ? 1 : 0
        case .ints(let values), .optionalInts(.some(let values)):
            if case .ints = argument { kind(CT_ARG_INTS) } else { kind(CT_ARG_SOME_INTS) }
            unsafe packed.pointer = integers.baseAddress.map { unsafe UnsafeRawPointer($0 + integerOffset) }
            unsafe packed.count = values.count
            integerOffset += values.count
        case .dtype(let dtype):
            kind(CT_ARG_DTYPE)
            unsafe packed.integer = Int64(dtype.rawValue)
        case .channelsLast(let channelsLast):
            kind(CT_ARG_MEMORY_FORMAT)
            unsafe packed.integer = channelsLast ? 1 : 0
        case .string(let string):
            kind(CT_ARG_STRING)
            unsafe packed.pointer = UnsafeRawPointer(string.utf8Start)
            unsafe packed.count = string.utf8CodeUnitCount
        }
        return unsafe packed
    }
}
