/// What was found out about a checkpoint's numbers, beyond what its headers say. Each part may be missing: a plan rests on
/// what is there.
package struct ModelKnowledge: Sendable, Equatable, Codable {
    /// The numbers of the weights that one stage uses.
    package struct Weights: Sendable, Equatable, Codable {
        /// The largest finite magnitude of those that the stage's own format computes; norms and whatever else is always
        /// float32 do not count.
        package var largest: Double
        /// The tensor that holds it; nil for a stage without any.
        package var largestKey: String?
        /// Tensors that hold a value that is not finite, sorted.
        package var nonFinite: [String]

        package init(largest: Double = 0, largestKey: String? = nil, nonFinite: [String] = []) {
            self.largest = largest
            self.largestKey = largestKey
            self.nonFinite = nonFinite
        }
    }

    /// Of the stages whose weights were read.
    package var weights: [Stage: Weights]
    /// Tensors that no layer asks for and that hold a value that is not finite, sorted, by stage; nil where nobody looked.
    package var dead: [Stage: [String]]?
    /// The largest magnitude seen at each layer in float32, of the stages that were traced.
    package var ranges: [Stage: [String: Double]]
    /// What could not be found out, for people; the plan repeats it.
    package var notes: [String] = []

    /// What is kept; notes are about one look.
    private enum CodingKeys: String, CodingKey { case weights, dead, ranges }

    /// Nothing but the headers.
    package static let none = ModelKnowledge()

    package init(
        weights: [Stage: Weights] = [:], dead: [Stage: [String]]? = nil,
        ranges: [Stage: [String: Double]] = [:]
    ) {
        self.weights = weights
        self.dead = dead
        self.ranges = ranges
    }
}

extension ModelFacts {
    /// The same facts with what was found out besides.
    package func knowing(_ knowledge: ModelKnowledge) -> ModelFacts {
        var facts = self
        for stage in stages.keys {
            if let weights = knowledge.weights[stage] {
                facts.stages[stage]?.largestWeight = weights.largest
                facts.stages[stage]?.largestKey = weights.largestKey
                facts.stages[stage]?.nonFinite = weights.nonFinite
            }
            facts.stages[stage]?.deadNonFinite = knowledge.dead?[stage] ?? []
            facts.stages[stage]?.range = knowledge.ranges[stage]
        }
        return facts
    }
}
