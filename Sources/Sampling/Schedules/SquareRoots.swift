/// Takes the square roots of a table of float32 numbers.
///
/// The reference leaves them to its tensor library, whose vector functions may round otherwise than correctly: on some
/// processors every seventh root is one unit off in its last place. That is invisible in a picture, but with the same
/// roots the same bits come out, so whoever has that library at hand passes its function.
package struct SquareRoots: Sendable {
    private let roots: @Sendable ([Float]) throws -> [Float]

    /// - Parameter roots: As many numbers as it is given, in order.
    package init(_ roots: @escaping @Sendable ([Float]) throws -> [Float]) { self.roots = roots }

    /// Correctly rounded.
    package static let exact = SquareRoots { $0.map { $0.squareRoot() } }

    func callAsFunction(of numbers: [Float]) throws(SamplingError) -> [Float] {
        do {
            return try roots(numbers)
        } catch {
            throw .arithmetic("\(error)")
        }
    }
}
