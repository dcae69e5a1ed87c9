/// Where a tensor's memory is and its operators run.
package struct Device: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Int32, Sendable, Hashable {
        case cpu, cuda
        /// Shapes and types without numbers: for dry runs, which find what a run would need and mix.
        case meta
    }

    package let kind: Kind
    /// Which card, from 0. The CPU has only one; libtorch calls it -1 or 0 in different places, `CTorch` knows where.
    package let index: Int32

    private init(kind: Kind, index: Int32) {
        self.kind = kind
        self.index = index
    }

    package static let cpu = Device(kind: .cpu, index: 0)
    package static let meta = Device(kind: .meta, index: 0)
    package static func cuda(_ index: Int) -> Device { Device(kind: .cuda, index: Int32(clamping: index)) }

    /// `cpu`, `cuda` or `cuda:N`; nil for anything else, `meta` among it, which paints nothing.
    package init?(_ text: String) {
        if text == "cpu" {
            self = .cpu
        } else if text == "cuda" {
            self = .cuda(0)
        } else if text.hasPrefix("cuda:"), let index = Int(text.dropFirst(5)), (0..<128).contains(index) {
            self = .cuda(index)
        } else {
            return nil
        }
    }

    package var description: String {
        switch kind {
        case .cpu: "cpu"
        case .cuda: "cuda:\(index)"
        case .meta: "meta"
        }
    }
}
