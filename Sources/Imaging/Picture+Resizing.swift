extension Picture {
    /// The widest and highest picture that `resized` makes.
    package static let maximumSide = 65_535

    /// The picture in another size; the aspect ratio is the caller's business. Equal to Pillow's `Image.resize` with the same filter.
    ///
    /// With `bilinear` and `lanczos`, transparent pictures are resized with premultiplied colours, so that
    /// what cannot be seen does not bleed into what can. Sides are 1...65,535 and the result, as well as the
    /// picture that is only resized in width, has at most 400 million pixels.
    package func resized(
        width newWidth: Int, height newHeight: Int, filter: ResizeFilter = .lanczos
    ) throws(ImagingError) -> Picture {
        let sides = 1...Self.maximumSide
        let most = 400_000_000
        guard sides.contains(newWidth), sides.contains(newHeight),
            newWidth * newHeight <= most, newWidth * height <= most
        else { throw .invalidSize(width: newWidth, height: newHeight) }

        if newWidth == width, newHeight == height { return self }
        if filter == .nearest { return nearest(newWidth, newHeight) }
        guard channels == 4 else { return resampled(newWidth, newHeight, filter) }
        return premultiplied().resampled(newWidth, newHeight, filter).unpremultiplied()
    }

    /// First along the rows, only for those that the second pass needs, then along the columns.
    private func resampled(_ newWidth: Int, _ newHeight: Int, _ filter: ResizeFilter) -> Picture {
        let columns = Resampling(from: height, to: newHeight, filter: filter)
        let needed = newHeight == height ? 0..<height : columns.needed
        let rows = Resampling(from: width, to: newWidth, filter: filter)
        let narrowed = newWidth == width ? pixels : alongRows(rows, needed)
        let skipped = newWidth == width ? 0 : needed.lowerBound
        let result =
            newHeight == height
            ? narrowed
            : Self.alongColumns(columns, samples: newWidth * channels, skipped: skipped, narrowed)
        return Picture(newWidth, newHeight, channels, result)
    }

    private func alongRows(_ resampling: Resampling, _ needed: Range<Int>) -> [UInt8] {
        let count = needed.count * resampling.windows.count * channels
        return [UInt8](unsafeUninitializedCapacity: count) { out, used in
            pixels.withUnsafeBufferPointer { pixels in
                resampling.weights.withUnsafeBufferPointer { weights in
                    for row in needed {
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
    }

    /// - Parameters: `samples`: samples in a row; `skipped`: rows missing at the top of `pixels`.
    private static func alongColumns(
        _ resampling: Resampling, samples: Int, skipped: Int, _ pixels: [UInt8]
    ) -> [UInt8] {
        let count = resampling.windows.count * samples
        return [UInt8](unsafeUninitializedCapacity: count) { out, used in
            var sums = [Int32](repeating: 0, count: samples)
            pixels.withUnsafeBufferPointer { pixels in
                sums.withUnsafeMutableBufferPointer { sums in
                    for window in resampling.windows {
                        sums.update(repeating: Resampling.half)
                        for tap in 0..<window.count {
                            let weight = resampling.weights[window.weights + tap]
                            let start = (window.first + tap - skipped) * samples
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
