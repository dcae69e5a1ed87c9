/// Where the diffusers classes differ in how they spread steps over the training timesteps.
struct SpacingRule: Sendable {
    /// Whether evenly spaced timesteps are rounded to whole ones; otherwise they keep float32 fractions.
    var roundsToWhole = false
    /// Whether one step more is laid out and the lowest left away.
    var dropsLowest = false
    /// The number of training timesteps from the bottom that may be visited; `nil` is all.
    var reachable: Int?
}

extension TimestepSpacing {
    /// The timesteps to visit, from most to least noise.
    ///
    /// - Returns: `steps` timesteps, but for two quirks that the reference has: trailing spacing yields one
    ///   more, at -1, for some numbers of steps (61, 103, 121 of 1,000) where its step length rounds down,
    ///   and fewer when not all training timesteps are reachable.
    func timesteps(steps: Int, trainSteps: Int, offset: Int, rule: SpacingRule) -> [Double] {
        let reachable = rule.reachable ?? trainSteps
        let points = rule.dropsLowest ? steps + 1 : steps
        let ascending: [Double]
        switch self {
        case .trailing:
            return Self.trailing(steps: steps, trainSteps: trainSteps, reachable: reachable)
        case .leading:
            let length = reachable / points
            ascending = (0..<points).map { Double($0 * length + offset) }
        case .linspace:
            ascending = linearlySpaced(from: 0, to: Double(reachable - 1), count: points).map {
                rule.roundsToWhole ? $0.rounded(.toNearestOrEven) : Double(Float($0))
            }
        }
        return ascending.dropFirst(points - steps).reversed()
    }

    /// Counts down from the last timestep in NumPy's arithmetic: the step length is what the first two values
    /// differ by, and halves round to even.
    private static func trailing(steps: Int, trainSteps: Int, reachable: Int) -> [Double] {
        let top = Double(reachable)
        let length = Double(trainSteps) / Double(steps)
        let count = Int((top / length).rounded(.up))
        let difference = (top - length) - top
        return (0..<count).map { index in
            let distance = Double(index) * difference
            return (top + distance).rounded(.toNearestOrEven) - 1
        }
    }
}

/// `count` values with equal distances from `start` to `end`, which is hit exactly; one value is `start`.
func linearlySpaced(from start: Double, to end: Double, count: Int) -> [Double] {
    guard count > 1 else { return [start] }
    let step = (end - start) / Double(count - 1)
    return (0..<count).map { index in
        let distance = Double(index) * step
        return index == count - 1 ? end : distance + start
    }
}
