/// How a stored picture is turned to stand upright: EXIF's values 1...8.
enum Orientation: Int {
    case upright = 1
    case mirrored, halfTurn, flipped, transposed, quarterRight, transversed, quarterLeft

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= 5 }
}

extension Picture {
    /// The picture as it is meant to be seen, when its file says that it is stored with `orientation`.
    func turned(_ orientation: Orientation) -> Picture {
        guard orientation != .upright else { return self }
        let newWidth = orientation.swapsSides ? height : width
        let newHeight = orientation.swapsSides ? width : height
        let (right, bottom) = (width - 1, height - 1)
        let result = [UInt8](unsafeUninitializedCapacity: pixels.count) { out, used in
            pixels.withUnsafeBufferPointer { stored in
                for y in 0..<newHeight {
                    for x in 0..<newWidth {
                        let (column, row) =
                            switch orientation {
                            case .upright: (x, y)
                            case .mirrored: (right - x, y)
                            case .halfTurn: (right - x, bottom - y)
                            case .flipped: (x, bottom - y)
                            case .transposed: (y, x)
                            case .quarterRight: (y, bottom - x)
                            case .transversed: (right - y, bottom - x)
                            case .quarterLeft: (right - y, x)
                            }
                        let source = (row * width + column) * channels
                        let target = (y * newWidth + x) * channels
                        for channel in 0..<channels { out[target + channel] = stored[source + channel] }
                    }
                }
            }
            used = pixels.count
        }
        return Picture(newWidth, newHeight, channels, result)
    }
}
