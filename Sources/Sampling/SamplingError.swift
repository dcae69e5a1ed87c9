/// Why a trajectory cannot be laid out as asked.
package enum SamplingError: Error, Sendable, Equatable {
    /// A field of the checkpoint's scheduler configuration holds what it may not.
    case field(String, found: String, expected: String)
    /// A field asks for something that the chosen sampler's reference does and Gesso does not.
    case unsupported(field: String, value: String, sampler: String, reason: String)
    /// A request's number is out of range.
    case range(String, found: String, allowed: String)
    /// No sampler has this name.
    case unknownSampler(String, known: [String])
    /// No schedule has this name.
    case unknownSchedule(String, known: [String])
    /// Two words of one schedule contradict each other.
    case conflictingSchedule(String, first: String, second: String)
    /// The caller's arithmetic failed; see ``SquareRoots``.
    case arithmetic(String)
}

extension SamplingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .field(let name, let found, let expected):
            "the scheduler configuration's \(name) is \(found), but must be \(expected)"
        case .unsupported(let field, let value, let sampler, let reason):
            "\(field) \(value) cannot be used with the sampler \(sampler): \(reason)"
        case .range(let name, let found, let allowed):
            "\(name) is \(found), but must be \(allowed)"
        case .unknownSampler(let name, let known):
            "there is no sampler \"\(name)\"; there are \(known.joined(separator: ", "))"
        case .unknownSchedule(let name, let known):
            "there is no schedule \"\(name)\"; there are \(known.joined(separator: ", ")), and a spacing can be"
                + " joined with a sigma spacing as in trailing+karras"
        case .conflictingSchedule(let text, let first, let second):
            "the schedule \"\(text)\" says both \(first) and \(second), of which only one can hold"
        case .arithmetic(let cause):
            "the noise levels could not be computed: \(cause)"
        }
    }
}
