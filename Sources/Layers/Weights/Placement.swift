package import Planning
package import Torch

/// Where a component's weights go and how they are computed with: the plan's decision in libtorch's terms.
package struct Placement: Sendable {
    /// Where weights are kept between two uses.
    package let storageDevice: Device
    /// Where operators run.
    package let computeDevice: Device
    /// The type weights are kept in; nil keeps the file's.
    package let storage: DType?
    /// The type that products, convolutions and attention compute in.
    package let compute: DType
    /// The type of the sums that blocks add their results to.
    package let residual: DType
    /// Places that compute otherwise.
    package let sites: [SitePlan]
    /// Told what leaves each layer while somebody looks; nil where nobody ever does.
    package let observer: SiteObserver?
    /// Whether each weight's bits are looked at when a layer asks for it.
    package let inspects: Bool
    /// Whether what was read of the files is given back at once: for a component that is larger than memory.
    package let isPaged: Bool

    package init(
        storageDevice: Device, computeDevice: Device, storage: DType?, compute: DType, residual: DType? = nil,
        sites: [SitePlan] = [], observer: SiteObserver? = nil, inspects: Bool = true, isPaged: Bool = false
    ) {
        self.storageDevice = storageDevice
        self.computeDevice = computeDevice
        self.storage = storage
        self.compute = compute
        self.residual = residual ?? compute
        self.sites = sites
        self.observer = observer
        self.inspects = inspects
        self.isPaged = isPaged
    }

    /// Keeps and computes on one device.
    package init(device: Device, storage: DType?, compute: DType) {
        self.init(storageDevice: device, computeDevice: device, storage: storage, compute: compute)
    }

    /// Shapes alone: a model built so asks for every weight it uses and reads none. It computes in float16, which shows
    /// what a 16-bit plan computes in 16 bits and what it never does.
    package static let dry = Placement(
        storageDevice: .meta, computeDevice: .meta, storage: nil, compute: .float16, inspects: false)
}

extension DType {
    /// libtorch's type for a plan's format.
    package init(_ format: NumberFormat) {
        switch format {
        case .fp32: self = .float32
        case .fp16: self = .float16
        case .bf16: self = .bfloat16
        }
    }

    /// Whether sums in this type lose nothing of numbers in another.
    package func holds(_ other: DType) -> Bool {
        self == other || self == .float32 && other.byteCount <= 2 || self == .float64
    }
}
