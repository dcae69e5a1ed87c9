package import SafeTensors

/// Everything one component of a model finds on disk, under canonical names.
package struct ComponentWeights: Sendable {
    /// The component's name in a pipeline folder: "unet", "vae", "text_encoder", "text_encoder_2".
    package let name: String
    /// The tensors under the names that the models ask for.
    package let tensors: [String: TensorSource]
    /// The files they lie in.
    package let files: [String]

    package init(name: String, tensors: [String: TensorSource], files: [String]) {
        self.name = name
        self.tensors = tensors
        self.files = files
    }

    /// How many numbers the component has.
    package var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.elementCount } }

    /// How many bytes of its files it takes.
    package var byteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }

    /// How many tensors there are of each element type.
    package var elementTypes: [ElementType: Int] {
        tensors.values.reduce(into: [:]) { $0[$1.stored.entry.elementType, default: 0] += 1 }
    }
}
