extension Picture {
    /// The widest and highest picture that `resized` makes.
    package static let maximumSide = 65_535

    /// The picture in another size; the aspect ratio is the caller's business. Equal to `Image.resize` of
    /// Pillow 13 with the same filter, bit for bit.
    ///
    /// With `bilinear` and `lanczos`, transparent pictures are resized with premultiplied colours, so that
    /// what cannot be seen does not bleed into what can. Sides are 1...65,535 and the result, as well as the
    /// picture between the two passes, has at most 400 million pixels.
    package func resized(
        width newWidth: Int, height newHeight: Int, filter: ResizeFilter = .lanczos
    ) throws(ImagingError) -> Picture {
        let sides = 1...Self.maximumSide
        let most = 400_000_000
        guard sides.contains(newWidth), sides.contains(newHeight),
            newWidth * newHeight <= most, newWidth * height <= most || startsWithColumns(newWidth, newHeight)
        else { throw .invalidSize(width: newWidth, height: newHeight) }

        if newWidth == width, newHeight == height { return self }
        if filter == .nearest { return nearest(newWidth, newHeight) }
        guard channels == 4 else { return resampled(newWidth, newHeight, filter) }
        return premultiplied().resampled(newWidth, newHeight, filter).unpremultiplied()
    }

    /// Pillow's rule for which pass comes first. It is seen in the result: between the passes samples are
    /// rounded to 8 bits.
    private func startsWithColumns(_ newWidth: Int, _ newHeight: Int) -> Bool {
        let lost = height - newHeight
        return lost > 0 && lost > 2 * (width - newWidth)
    }

    private func resampled(_ newWidth: Int, _ newHeight: Int, _ filter: ResizeFilter) -> Picture {
        let columns =
            newHeight == height ? nil : Resampling(from: height, to: newHeight, filter: filter)
        let rows = newWidth == width ? nil : Resampling(from: width, to: newWidth, filter: filter)
        if startsWithColumns(newWidth, newHeight) {
            return resampled(columns: columns).resampled(rows: rows)
        }
        return resampled(rows: rows).resampled(columns: columns)
    }

    /// Resizes every row; `nil` leaves them as they are.
    private func resampled(rows resampling: Resampling?) -> Picture {
        guard let resampling else { return self }
        let newWidth = resampling.windows.count
        let count = newWidth * height * channels
        let result = [UInt8](unsafeUninitializedCapacity: count) { out, used in
            pixels.withUnsafeBufferPointer { pixels in
                resampling.weights.withUnsafeBufferPointer { weights in
                    for row in 0..<height {
                        for window in resampling.windows {
                            let start = (row * width + window.first) * channels
                            for channel in 0..<channels {
                                var sum = Resampling.half
                                for tap in 0..<window.count {
                                    let sample = pixels[start + tap * channels + channel]
                                    sum &+= Int32(sample) &* weights[window.weights + tap]
                                }
                                out[used] = Resampling.sample(sum)
                                used += 1
                            }
                        }
                    }
                }
            }
        }
        return Picture(newWidth, height, channels, result)
    }

    /// Resizes every column; `nil` leaves them as they are. Works on whole rows, which lie together in memory.
    private func resampled(columns resampling: Resampling?) -> Picture {
        guard let resampling else { return self }
        let newHeight = resampling.windows.count
        let samples = width * channels
        let result = [UInt8](unsafeUninitializedCapacity: newHeight * samples) { out, used in
            var sums = [Int32](repeating: 0, count: samples)
            pixels.withUnsafeBufferPointer { pixels in
                sums.withUnsafeMutableBufferPointer { sums in
                    for window in resampling.windows {
                        sums.update(repeating: Resampling.half)
                        for tap in 0..<window.count {
                            let weight = resampling.weights[window.weights + tap]
                            let start = (window.first + tap) * samples
                            for sample in 0..<samples {
                                sums[sample] &+= Int32(pixels[start + sample]) &* weight
                            }
                        }
                        for sample in 0..<samples { out[used + sample] = Resampling.sample(sums[sample]) }
                        used += samples
                    }
                }
            }
        }
        return Picture(width, newHeight, channels, result)
    }

    /// Each new pixel takes the old one that its centre lies in.
    private func nearest(_ newWidth: Int, _ newHeight: Int) -> Picture {
        let columns = Self.centres(from: width, to: newWidth)
        let rows = Self.centres(from: height, to: newHeight)
        let result = [UInt8](unsafeUninitializedCapacity: newWidth * newHeight * channels) { out, used in
            for row in rows {
                for column in columns {
                    let start = (row * width + column) * channels
                    for channel in 0..<channels {
                        out[used] = pixels[start + channel]
                        used += 1
                    }
                }
            }
        }
        return Picture(newWidth, newHeight, channels, result)
    }

    /// The old position of each new one. Positions are added up, as Pillow does: products round differently.
    private static func centres(from source: Int, to target: Int) -> [Int] {
        let scale = Double(source) / Double(target)
        var position = scale * 0.5
        return (0..<target).map { _ in
            defer { position += scale }
            return min(Int(position), source - 1)
        }
    }

    /// Colours times alpha, which stays as it is.
    private func premultiplied() -> Picture {
        var result = pixels
        for pixel in stride(from: 0, to: result.count, by: 4) {
            let alpha = Int(result[pixel + 3])
            for channel in pixel..<(pixel + 3) {
                result[channel] = dividedBy255(Int(result[channel]) * alpha)
            }
        }
        return Picture(width, height, 4, result)
    }

    /// The opposite of `premultiplied`, rounded down as Pillow does; wholly transparent pixels stay as they are.
    private func unpremultiplied() -> Picture {
        var result = pixels
        for pixel in stride(from: 0, to: result.count, by: 4) {
            let alpha = Int(result[pixel + 3])
            guard alpha != 0, alpha != 255 else { continue }
            for channel in pixel..<(pixel + 3) {
                result[channel] = UInt8(min(255, Int(result[channel]) * 255 / alpha))
            }
        }
        return Picture(width, height, 4, result)
    }
}
