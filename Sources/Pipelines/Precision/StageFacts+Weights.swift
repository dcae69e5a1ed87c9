internal import Layers
internal import Planning
internal import SafeTensors

extension StageFacts {
    /// Sizes and types of a component's tensors, as the files' headers give them.
    /// - Parameter only: Which keys the stage uses.
    init(
        _ weights: ComponentWeights, only: (String) -> Bool = { _ in true },
        work: [ProbedOperation: Double], asksForFP32: Bool = false, activationBytes: Int = 0
    ) {
        let tensors = weights.tensors.filter { only($0.key) }.values
        var byFormat: [NumberFormat?: Int] = [:]
        for tensor in tensors {
            byFormat[NumberFormat(tensor.stored.entry.elementType), default: 0] += tensor.elementCount
        }
        self.init(
            parameters: tensors.reduce(0) { $0 + $1.elementCount },
            fileBytes: tensors.reduce(0) { $0 + $1.byteCount },
            declared: byFormat.max { $0.value < $1.value }?.key, work: work, asksForFP32: asksForFP32,
            activationBytes: activationBytes)
        largestTensor = tensors.map(\.elementCount).max() ?? 0
        mayExceedFP16 = tensors.contains { $0.stored.entry.elementType != .float16 }
    }
}

extension NumberFormat {
    /// The computing format of stored numbers; nil for those that are none, such as fp8.
    init?(_ type: ElementType) {
        switch type {
        case .float32: self = .fp32
        case .float16: self = .fp16
        case .bfloat16: self = .bf16
        default: return nil
        }
    }
}
