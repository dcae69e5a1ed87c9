internal import Generation

/// One line that says how far a generation is: a value of what is known, the width and the time, and of nothing else.
struct ProgressLine {
    let progress: Progress
    /// Seconds since this stage began.
    let elapsed: Double

    /// The line for a terminal of `width` columns: what matters least is left out first. It stays a column short,
    /// because some terminals move on when the last one is filled.
    func text(width: Int) -> String {
        let room = max(width - 1, 0)
        let known = [label, picture, steps, speed, time].compactMap(\.self).joined(separator: "  ")
        let barWidth = min(room - known.count - 4, 30)
        if let steps, barWidth >= 8 {
            return [label, picture, bar(barWidth), steps, speed, time].compactMap(\.self)
                .joined(separator: "  ")
        }
        let shorter = [
            [label, picture, steps, speed, time], [label, picture, steps, time], [label, steps, time],
            [label, steps ?? time], [label],
        ].map { $0.compactMap(\.self).joined(separator: "  ") }
        return shorter.first { $0.count <= room } ?? String(label.prefix(room))
    }

    /// The line for a log, of any length.
    var plain: String {
        let parts = [
            progress.pictures > 1 ? "picture \(progress.picture) of \(progress.pictures)" : nil,
            steps.map { "step \($0)" }, speed, progress.step > 0 ? time : nil,
        ].compactMap(\.self)
        return parts.isEmpty ? label : label + ": " + parts.joined(separator: ", ")
    }

    private var label: String {
        switch progress.stage {
        case .loading: "loading the model"
        case .encoding: "reading the prompt"
        case .sourcePicture: "reading the picture"
        case .denoising: "painting"
        case .decoding: "decoding"
        case .saving: "saving"
        }
    }

    private var picture: String? {
        progress.pictures > 1 ? "\(progress.picture) of \(progress.pictures)" : nil
    }

    /// Nothing where there is no way to go: a stage of one step is either not begun or over.
    private var steps: String? {
        progress.of > 1 || progress.of == 1 && progress.stage == .denoising
            ? "\(progress.step)/\(progress.of)" : nil
    }

    private var speed: String? {
        guard steps != nil else { return nil }
        return progress.secondsPerStep.map { Quantity.short($0) + " s/step" }
    }

    /// The time left where it is known, else the time taken.
    private var time: String? {
        guard steps != nil, let left = progress.secondsLeft else { return Quantity.duration(elapsed) }
        return Quantity.duration(left) + " left"
    }

    private func bar(_ width: Int) -> String {
        let share = Double(progress.step) / Double(progress.of)
        let filled = Int((min(max(share, 0), 1) * Double(width)).rounded(.down))
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
            + "]"
    }
}

/// Chooses the few of many reports that a log needs: each new stage and picture, and one every few seconds.
struct PlainProgress {
    /// Seconds between two lines of the same stage.
    static let interval = 5.0

    private var last: (progress: Progress, time: Double)?

    /// - Parameters:
    ///   - time: Seconds since the start of everything.
    ///   - elapsed: Seconds since the stage began.
    /// - Returns: The line to write, if it is time for one.
    mutating func line(for progress: Progress, at time: Double, elapsed: Double) -> String? {
        if let last, last.progress.stage == progress.stage, last.progress.picture == progress.picture {
            guard time - last.time >= Self.interval, last.progress != progress else { return nil }
        }
        last = (progress, time)
        return ProgressLine(progress: progress, elapsed: elapsed).plain
    }
}
