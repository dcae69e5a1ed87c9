import Foundation
import Generation
import Synchronization
import TestSupport
import Testing

@testable import CLI

/// What is shown of a generation's progress, to the letter.
@Suite struct ProgressTests {
    /// Step 12 of 30 of the second of four pictures.
    private var painting: Generation.Progress {
        var progress = Generation.Progress(.denoising)
        (progress.picture, progress.pictures) = (2, 4)
        (progress.step, progress.of) = (12, 30)
        progress.secondsPerStep = 1.94
        return progress
    }

    private func line(_ progress: Generation.Progress, _ width: Int, elapsed: Double = 23.4) -> String {
        ProgressLine(progress: progress, elapsed: elapsed).text(width: width)
    }

    @Test(
        arguments: [
            (120, "painting  2 of 4  [============                  ]  12/30  1.9 s/step  2 min 31 s left"),
            (80, "painting  2 of 4  [=========              ]  12/30  1.9 s/step  2 min 31 s left"),
            (65, "painting  2 of 4  [===     ]  12/30  1.9 s/step  2 min 31 s left"),
            (64, "painting  2 of 4  12/30  1.9 s/step  2 min 31 s left"),
            (53, "painting  2 of 4  12/30  1.9 s/step  2 min 31 s left"),
            (52, "painting  2 of 4  12/30  2 min 31 s left"),
            (41, "painting  2 of 4  12/30  2 min 31 s left"),
            (40, "painting  12/30  2 min 31 s left"),
            (32, "painting  12/30"),
            (15, "painting"),
            (9, "painting"),
            (8, "paintin"),
            (2, "p"),
            (1, ""),
            (0, ""),
        ]) func `what matters least is left out first`(width: Int, expected: String)
    {
        #expect(line(painting, width) == expected)
    }

    @Test func `no line fills the last column`() {
        var progress = painting
        for stage in Generation.Progress.Stage.allCases {
            progress.stage = stage
            for width in 1...200 { #expect(line(progress, width).count < width) }
        }
    }

    @Test func `every stage has its words, and the time taken where the time left is not known`() {
        let lines = Generation.Progress.Stage.allCases.map { line(Generation.Progress($0), 80, elapsed: 3.2) }
        #expect(
            lines == [
                "loading the model  3 s", "reading the prompt  3 s", "reading the picture  3 s",
                "painting  3 s",
                "decoding  3 s", "saving  3 s",
            ])
    }

    @Test func `the bar is empty at the start and full at the end`() {
        var progress = Generation.Progress(.denoising)
        (progress.picture, progress.pictures, progress.of) = (1, 1, 10)
        #expect(line(progress, 50, elapsed: 0) == "painting  [                          ]  0/10  0 s")
        progress.step = 10
        progress.secondsPerStep = 0.004
        #expect(line(progress, 60) == "painting  [================]  10/10  0.004 s/step  0 s left")
        progress.step = 11
        #expect(line(progress, 60).contains("[================]"))
    }

    @Test func `numbers that mean nothing do no harm`() {
        var progress = painting
        for seconds in [Double.infinity, .nan, -1, 1e300] {
            progress.secondsPerStep = seconds
            #expect(line(progress, 80).count < 80)
        }
    }

    @Test func `a log gets each stage and picture, and a line every five seconds`() {
        var plain = PlainProgress()
        var progress = Generation.Progress(.loading)
        var lines: [String?] = [plain.line(for: progress, at: 0, elapsed: 0)]
        lines.append(plain.line(for: progress, at: 9, elapsed: 9))
        progress = painting
        progress.picture = 1
        progress.step = 0
        progress.secondsPerStep = nil
        lines.append(plain.line(for: progress, at: 10, elapsed: 0))
        for step in 1...6 {
            progress.step = step
            progress.secondsPerStep = 2
            lines.append(plain.line(for: progress, at: 10 + 2 * Double(step), elapsed: 2 * Double(step)))
        }
        progress.picture = 2
        lines.append(plain.line(for: progress, at: 22.5, elapsed: 0))
        #expect(
            lines == [
                "loading the model", nil, "painting: picture 1 of 4, step 0/30", nil, nil,
                "painting: picture 1 of 4, step 3/30, 2.0 s/step, 3 min 54 s left", nil, nil,
                "painting: picture 1 of 4, step 6/30, 2.0 s/step, 3 min 48 s left",
                "painting: picture 2 of 4, step 6/30, 2.0 s/step, 2 min 48 s left",
            ])
    }

    @Test(
        arguments: [
            (0.0, "0 s"), (35.4, "35 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (3599, "59 min 59 s"),
            (3780, "1 h 3 min"), (-5, "0 s"), (.infinity, "8760 h 0 min"), (.nan, "0 s"),
        ]) func `durations`(seconds: Double, expected: String)
    {
        #expect(Quantity.duration(seconds) == expected)
    }

    @Test func `on a terminal one line is redrawn and nothing of it is left`() async {
        let outcome = await Session().run(["generate", "a"], width: 60) { _ in
            FakeWorker { request, progress in
                progress(painting)
                try await Task.sleep(for: .milliseconds(50))
                return FakeWorker.paint(request)
            }
        }
        #expect(outcome.status == .done)
        #expect(outcome.errors.contains("\r\u{1B}[Kpainting  2 of 4  12/30  1.9 s/step  2 min 31 s left"))
        #expect(outcome.errors.hasSuffix("\r\u{1B}[K"))
        #expect(!outcome.errors.contains("\n"))
    }

    @Test(.timeLimit(.minutes(5)))
    func `reports never wait for who shows them`() async throws {
        let shown = Mutex(0)
        let isReported = Mutex(false)
        let console = Console(
            write: { _ in },
            writeError: { _ in
                // A terminal that takes nothing until all is reported: a report that waited for it would wait for ever.
                while !isReported.withLock(\.self) { usleep(1000) }
                shown.withLock { $0 += 1 }
            }, terminalWidth: { 80 })
        let reporter = ProgressReporter(console: console, isQuiet: false)
        try await reporter.watch { report in
            var progress = painting
            for step in 1...10_000 {
                progress.step = step
                report(progress)
            }
            isReported.withLock { $0 = true }
        }
        #expect(shown.withLock(\.self) > 0)
        #expect(shown.withLock(\.self) < 10_000)
    }
}
