package import Torch

/// How two arrays of numbers differ, judged over every element.
package struct Closeness: CustomStringConvertible, Sendable {
    /// The largest `|found - expected|`, and where.
    package let largestDifference: Float
    package let position: Int
    /// The same difference as a share of the largest expected magnitude.
    package let relativeToLargest: Float
    /// Elements that break `|found - expected| <= absolute + relative * |expected|`; NaN always does.
    package let failures: Int
    package let count: Int
    package let cosine: Float

    package init(_ found: [Float], _ expected: [Float], absolute: Float, relative: Float) {
        precondition(
            found.count == expected.count, "\(found.count) elements found, \(expected.count) expected")
        var largest: Float = 0
        var position = 0
        var failures = 0
        var magnitude: Float = 0
        var dot = 0.0
        var norms = (0.0, 0.0)
        for (index, (a, b)) in zip(found, expected).enumerated() {
            let difference = (a - b).magnitude
            if !(difference <= absolute + relative * b.magnitude) { failures += 1 }
            if difference > largest || difference.isNaN {
                largest = difference
                position = index
            }
            magnitude = max(magnitude, b.magnitude)
            dot += Double(a) * Double(b)
            norms.0 += Double(a) * Double(a)
            norms.1 += Double(b) * Double(b)
        }
        largestDifference = largest
        self.position = position
        self.failures = failures
        count = found.count
        relativeToLargest = magnitude > 0 ? largest / magnitude : largest
        cosine = norms.0 > 0 && norms.1 > 0 ? Float(dot / (norms.0 * norms.1).squareRoot()) : 1
    }

    /// Whether every element is close enough.
    package var isClose: Bool { failures == 0 }

    package var description: String {
        "\(failures) of \(count) elements differ; the most by \(largestDifference) at \(position) "
            + "(\(relativeToLargest) of the largest), cosine \(cosine)"
    }
}

extension Tensor {
    /// Compares the whole tensor with recorded float32 values; call it on the device thread.
    package func closeness(
        to expected: [Float], absolute: Float = 2e-5, relative: Float = 2e-5
    ) throws -> Closeness {
        Closeness(try floats(), expected, absolute: absolute, relative: relative)
    }
}
