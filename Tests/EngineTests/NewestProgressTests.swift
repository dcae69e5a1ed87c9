import Generation
import Testing

@testable import Engine

struct NewestProgressTests {
    private func progress(_ stage: Progress.Stage, step: Int, picture: Int = 1) -> Progress {
        var progress = Progress(stage)
        (progress.step, progress.of, progress.picture) = (step, 10, picture)
        return progress
    }

    @Test func `steps are told now and then, stages, pictures and ends at once`() {
        let newest = NewestProgress()
        func isTold(_ progress: Progress, at seconds: Double) -> Bool {
            newest.set(progress, at: seconds, interval: 0.25)
        }
        #expect(isTold(progress(.encoding, step: 0), at: 0))
        #expect(isTold(progress(.denoising, step: 1), at: 0.01))
        #expect(!isTold(progress(.denoising, step: 2), at: 0.1))
        #expect(newest.newest?.step == 2)
        #expect(isTold(progress(.denoising, step: 3), at: 0.27))
        #expect(!isTold(progress(.denoising, step: 4), at: 0.5))
        #expect(isTold(progress(.denoising, step: 10), at: 0.51))
        #expect(isTold(progress(.denoising, step: 1, picture: 2), at: 0.52))
        #expect(isTold(progress(.decoding, step: 0, picture: 2), at: 0.53))
    }
}
