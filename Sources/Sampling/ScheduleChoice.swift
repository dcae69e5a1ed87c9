/// Which schedule a request asks for, in place of the one the checkpoint's configuration describes.
package struct ScheduleChoice: Sendable, Equatable {
    /// The timesteps to visit; `nil` leaves it to the checkpoint.
    package var spacing: TimestepSpacing?
    /// The spacing of the noise levels; `nil` leaves it to the checkpoint.
    package var sigmas: SigmaSpacing?

    /// What the checkpoint says.
    package static let checkpoint = ScheduleChoice()

    /// The words that a schedule is made of.
    package static let known =
        ["default"] + TimestepSpacing.allCases.map(\.rawValue) + SigmaSpacing.allCases.map(\.rawValue)

    package init(spacing: TimestepSpacing? = nil, sigmas: SigmaSpacing? = nil) {
        self.spacing = spacing
        self.sigmas = sigmas
    }

    /// Reads `default`, or a spacing, a sigma spacing, or one of each joined by `+`, as in `trailing+karras`.
    /// Upper and lower case are the same.
    package init(parsing text: String) throws(SamplingError) {
        self.init()
        guard text.lowercased() != "default" else { return }
        for word in text.lowercased().split(separator: "+", omittingEmptySubsequences: false) {
            if let spacing = TimestepSpacing(rawValue: String(word)) {
                if let first = self.spacing {
                    throw .conflictingSchedule(text, first: first.rawValue, second: spacing.rawValue)
                }
                self.spacing = spacing
            } else if let sigmas = SigmaSpacing(rawValue: String(word)) {
                if let first = self.sigmas {
                    throw .conflictingSchedule(text, first: first.rawValue, second: sigmas.rawValue)
                }
                self.sigmas = sigmas
            } else {
                throw .unknownSchedule(text, known: Self.known)
            }
        }
    }
}

extension ScheduleChoice: CustomStringConvertible {
    /// The text that ``init(parsing:)`` reads back, for receipts.
    package var description: String {
        let words = [spacing?.rawValue, sigmas?.rawValue].compactMap(\.self)
        return words.isEmpty ? "default" : words.joined(separator: "+")
    }
}
