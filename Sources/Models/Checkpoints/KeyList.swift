/// How the layers of a component are called in a file.
enum KeyNaming: Equatable {
    /// As diffusers and transformers call them: the canonical names.
    case diffusers
    /// As diffusers called the autoencoder's attention in its first versions.
    case earlyDiffusers
    /// As the models' authors call them: latent diffusion (LDM) and OpenCLIP.
    case original
}

/// The name of one layer, canonical and as the file spells it, built from the outside in.
struct LayerName {
    let naming: KeyNaming
    let canonical: String
    let stored: String

    /// The root of a component whose keys start with `prefix` in the file.
    init(_ naming: KeyNaming, prefix: String) {
        self.init(naming: naming, canonical: "", stored: prefix)
    }

    private init(naming: KeyNaming, canonical: String, stored: String) {
        self.naming = naming
        self.canonical = canonical
        self.stored = stored
    }

    /// A part of this layer, with its other names where they differ: those of the original, of the first versions of
    /// diffusers, and of diffusers itself where the canonical name is another.
    subscript(
        _ name: String, original original: String? = nil, early early: String? = nil,
        diffusers diffusers: String? = nil
    ) -> LayerName {
        let other: String? =
            switch naming {
            case .diffusers: diffusers
            case .earlyDiffusers: early
            case .original: original
            }
        return LayerName(
            naming: naming, canonical: Self.join(canonical, name), stored: Self.join(stored, other ?? name))
    }

    /// A prefix that ends in a dot, or is empty, is complete; a part without a name of its own adds nothing.
    private static func join(_ outer: String, _ inner: String) -> String {
        outer.isEmpty || outer.hasSuffix(".") || inner.isEmpty ? outer + inner : outer + "." + inner
    }
}

/// One tensor that a configuration implies.
struct ExpectedTensor: Equatable {
    /// What part of a stored tensor is meant.
    enum Reading: Equatable {
        case whole
        /// Block `index` of `of` equal blocks of rows.
        case block(index: Int, of: Int)
        /// As many rows as the shape says, from one on, of so many.
        case rows(from: Int, of: Int)
        case transposed
    }

    /// The canonical name.
    let name: String
    /// The key in the file.
    let stored: String
    /// The shape that the model asks for.
    let shape: [Int]
    let reading: Reading
}

/// The tensors of a component in the order of a walk through its configuration.
struct KeyList {
    private(set) var tensors: [ExpectedTensor] = []

    /// A tensor of its own, without `weight` or `bias`.
    mutating func tensor(_ name: LayerName, _ shape: [Int], _ reading: ExpectedTensor.Reading = .whole) {
        tensors.append(
            ExpectedTensor(name: name.canonical, stored: name.stored, shape: shape, reading: reading))
    }

    /// A fully connected layer.
    mutating func linear(_ name: LayerName, _ input: Int, _ output: Int, bias: Bool = true) {
        tensor(name["weight"], [output, input])
        if bias { tensor(name["bias"], [output]) }
    }

    /// A convolution with a square kernel.
    mutating func convolution(_ name: LayerName, _ input: Int, _ output: Int, kernel: Int) {
        tensor(name["weight"], [output, input, kernel, kernel])
        tensor(name["bias"], [output])
    }

    /// A layer or group norm with its own scale and offset.
    mutating func norm(_ name: LayerName, _ channels: Int) {
        tensor(name["weight"], [channels])
        tensor(name["bias"], [channels])
    }
}
