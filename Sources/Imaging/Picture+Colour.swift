extension Picture {
    /// A colour that stands behind transparent pixels.
    package struct Colour: Sendable, Equatable {
        package var red, green, blue: UInt8

        package init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        /// 255, 255, 255.
        package static let white = Colour(red: 255, green: 255, blue: 255)
        /// 0, 0, 0.
        package static let black = Colour(red: 0, green: 0, blue: 0)
    }

    /// The picture with three channels: grey is repeated, transparent pixels are laid over `background`
    /// (`round((colour * alpha + background * (255 - alpha)) / 255)`), and the alpha is gone.
    package func rgb(over background: Colour = .white) -> Picture {
        switch channels {
        case 1: expanded()
        case 4: composited(over: background)
        default: self
        }
    }

    /// Grey to three equal channels.
    private func expanded() -> Picture {
        let count = pixels.count * 3
        let result = [UInt8](unsafeUninitializedCapacity: count) { out, used in
            for (index, grey) in pixels.enumerated() {
                out[3 * index] = grey
                out[3 * index + 1] = grey
                out[3 * index + 2] = grey
            }
            used = count
        }
        return Picture(width, height, 3, result)
    }

    private func composited(over background: Colour) -> Picture {
        let count = width * height * 3
        let behind = [Int(background.red), Int(background.green), Int(background.blue)]
        let result = [UInt8](unsafeUninitializedCapacity: count) { out, used in
            for pixel in 0..<(width * height) {
                let alpha = Int(pixels[4 * pixel + 3])
                for channel in 0..<3 {
                    let front = Int(pixels[4 * pixel + channel])
                    out[3 * pixel + channel] = dividedBy255(front * alpha + behind[channel] * (255 - alpha))
                }
            }
            used = count
        }
        return Picture(width, height, 3, result)
    }
}

/// `value / 255` rounded to the nearest, exact for 0...65,025.
func dividedBy255(_ value: Int) -> UInt8 {
    let rounded = value + 128
    return UInt8(truncatingIfNeeded: ((rounded >> 8) + rounded) >> 8)
}
