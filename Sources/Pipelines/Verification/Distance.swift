/// How far numbers are from a reference's, over all of them.
package struct Distance: Sendable, Equatable, Codable {
    /// The L2 norm of the difference over the reference's; nil where a value is not finite, or where the reference is all
    /// zeros and the numbers are not.
    package let relativeError: Double?
    /// The cosine of the angle between both; nil where the error is, or where there is no angle.
    package let cosine: Double?
    /// The largest difference over the reference's standard deviation; nil where the error is, or where the reference is
    /// one value throughout and the numbers differ.
    package let largest: Double?
    /// At how many places a number is not finite, on either side.
    package let notFinite: Int

    /// - Parameters: `found`, `reference`: Equally many.
    package init(_ found: [Float], _ reference: [Float]) {
        precondition(
            found.count == reference.count, "\(found.count) numbers, \(reference.count) in the reference")
        var notFinite = 0
        var (difference, largest) = (0.0, 0.0)
        var (dot, foundSquares, squares, sum) = (0.0, 0.0, 0.0, 0.0)
        for (a, b) in zip(found, reference) {
            if !a.isFinite || !b.isFinite { notFinite += 1 }
            let (a, b) = (Double(a), Double(b))
            let distance = (a - b).magnitude
            difference += distance * distance
            largest = max(largest, distance)
            dot += a * b
            foundSquares += a * a
            squares += b * b
            sum += b
        }
        self.notFinite = notFinite
        guard notFinite == 0, squares > 0 || difference == 0 else {
            (relativeError, cosine, self.largest) = (nil, nil, nil)
            return
        }
        relativeError = difference == 0 ? 0 : (difference / squares).squareRoot()
        cosine =
            difference == 0
            ? 1 : foundSquares > 0 ? dot / (foundSquares.squareRoot() * squares.squareRoot()) : nil
        let count = Double(max(reference.count, 1))
        let deviation = max(squares / count - (sum / count) * (sum / count), 0).squareRoot()
        self.largest = largest == 0 ? 0 : deviation > 0 ? largest / deviation : nil
    }

    private init(relativeError: Double?, cosine: Double?, largest: Double?, notFinite: Int) {
        self.relativeError = relativeError
        self.cosine = cosine
        self.largest = largest
        self.notFinite = notFinite
    }

    /// Each figure's worst of several; nil for none.
    package static func worst(of distances: [Distance]) -> Distance? {
        guard let first = distances.first else { return nil }
        /// A figure that is missing once is missing.
        func fold(_ figure: (Distance) -> Double?, _ choose: (Double, Double) -> Double) -> Double? {
            distances.dropFirst().reduce(figure(first)) { worst, distance in
                guard let worst, let next = figure(distance) else { return nil }
                return choose(worst, next)
            }
        }
        return Distance(
            relativeError: fold(\.relativeError, max), cosine: fold(\.cosine, min),
            largest: fold(\.largest, max), notFinite: distances.reduce(0) { $0 + $1.notFinite })
    }
}
