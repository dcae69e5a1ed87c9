import Engine
import Generation
import TestSupport
import Testing

struct PaintingSpeedTests {
    /// A run of square pictures that took so long.
    private func result(
        size: Int, count: Int, denoising: Double, decoding: Double
    ) -> Generation.Result {
        var request = Request(prompt: "x")
        (request.width, request.height, request.count) = (size, size, count)
        let painted = FakeWorker.paint(request)
        return Generation.Result(
            pictures: painted.pictures,
            seconds: [.loading: 1000, .encoding: 0, .denoising: denoising, .decoding: decoding], notes: [])
    }

    private func examination(size: Int, steps: Int, count: Int) async throws -> Examination {
        var request = Request(prompt: "x")
        (request.width, request.height, request.count, request.steps) = (size, size, count, steps)
        return try await FakeWorker().examine(request)
    }

    @Test func `seconds follow steps, area and number of pictures, and leave loading out`() async throws {
        var speed = PaintingSpeed()
        #expect(try await speed.seconds(examination(size: 64, steps: 10, count: 1)) == nil)
        speed.learn(result(size: 64, count: 1, denoising: 20, decoding: 3), steps: 10)
        #expect(try await speed.seconds(examination(size: 64, steps: 10, count: 1)) == 23)
        #expect(try await speed.seconds(examination(size: 64, steps: 20, count: 1)) == 43)
        #expect(try await speed.seconds(examination(size: 128, steps: 10, count: 1)) == 92)
        #expect(try await speed.seconds(examination(size: 64, steps: 10, count: 3)) == 69)
    }

    @Test func `a run that says nothing about its steps teaches nothing`() async throws {
        var speed = PaintingSpeed()
        speed.learn(result(size: 64, count: 1, denoising: 20, decoding: 3), steps: 0)
        #expect(try await speed.seconds(examination(size: 64, steps: 10, count: 1)) == nil)
    }

    @Test func `the mean is that of the first ones, then forgets`() {
        var mean = RunningMean()
        for value in [2.0, 4, 6] { mean.add(value) }
        #expect(mean.value == 4)
        mean.add(.nan)
        #expect(mean.value == 4)
        for _ in 0..<50 { mean.add(10) }
        #expect(abs((mean.value ?? 0) - 10) < 0.001)
    }
}
