internal import Planning

extension Gate {
    /// The gate of a prediction after guidance: guidance subtracts two predictions and multiplies what differs, so three
    /// times the error is accepted, and for the angle, which goes with the error's square, nine times.
    var guided: Gate {
        Gate(relativeError: 3 * relativeError, cosine: cosine.map { 1 - 9 * (1 - $0) })
    }
}
