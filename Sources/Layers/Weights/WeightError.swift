package import Torch

/// A checkpoint that does not fit the model.
package enum WeightError: Error, CustomStringConvertible {
    /// The model needs a tensor that no file has.
    case missing(component: String, key: String, expected: [Int])
    /// A tensor has another shape than the model's. `stored` is its name in the file.
    case shape(component: String, key: String, stored: String, expected: [Int], found: [Int])
    /// A tensor whose elements are no numbers to compute with.
    case elementType(component: String, key: String, found: String)
    /// A weight that the model uses holds NaN or infinity; `index` counts elements.
    case notFinite(component: String, key: String, index: Int)
    /// A weight that the format it is to be computed in cannot hold.
    case tooLarge(component: String, key: String, largest: Double, format: String)
    /// libtorch could not make the tensor: most likely memory.
    case tensor(component: String, key: String, cause: TensorError)

    package var description: String {
        switch self {
        case .missing(let component, let key, let expected):
            "\(component): the checkpoint lacks \(key), expected with shape \(expected)"
        case .shape(let component, let key, let stored, let expected, let found):
            "\(component): \(key)\(key == stored ? "" : " (\(stored) in the file)") has shape \(found), expected \(expected)"
        case .elementType(let component, let key, let found):
            "\(component): \(key) holds \(found), not floating-point numbers"
        case .notFinite(let component, let key, let index):
            "\(component): \(key) holds a value that is not finite (element \(index)): the checkpoint is damaged; every "
                + "picture would be"
        case .tooLarge(let component, let key, let largest, let format):
            "\(component): \(key) reaches \(largest), which \(format) cannot hold; compute it in fp32 or bf16"
        case .tensor(let component, let key, let cause):
            "\(component): \(key) could not be loaded: \(cause)"
        }
    }
}
