import Foundation
import Generation
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

/// Two models take turns in one process: what one leaves behind would be the next one's lack.
@Suite(.serialized) struct SwitchingTests {
    private static func open(_ round: Int) throws -> any Worker {
        let name = round.isMultiple(of: 2) ? "sdxl" : "flux"
        let paths = ModelPaths(model: Fixture.path("../Checkpoints/starter-\(name)"))
        return try PaintingFamily.of(paths.model).open(paths)
            .worker(WorkerSettings(policy: .auto, device: .cpu))
    }

    /// Loads and warms up.
    /// - Returns: Resident bytes afterwards, and a look at the worker that keeps nothing of it.
    private static func use(_ round: Int) async throws -> (resident: Int, left: Left) {
        let worker = try open(round)
        try await worker.load()
        try await worker.warmUp(width: 64, height: 64)
        return (try #require(HostMemory.resident), Left(worker as AnyObject))
    }

    private struct Left {
        weak var worker: AnyObject?
        init(_ worker: AnyObject) { self.worker = worker }
    }

    @Test func `a model that is let go is gone`() async throws {
        // Resident memory is the whole process's: it says something where this test runs alone.
        let asked = ProcessInfo.processInfo.environment["GESSO_TEST_SWITCHES"].flatMap { Int($0) }
        let rounds = asked ?? 6
        var resident: [Int] = []
        for round in 0..<rounds {
            let (bytes, left) = try await Self.use(round)
            #expect(left.worker == nil)
            resident.append(bytes)
        }
        guard asked != nil else { return }
        print(
            "resident after \(rounds / 2) switches \(resident[rounds / 2] >> 10) kB, after \(rounds) \(resident[rounds - 1] >> 10) kB"
        )
        #expect(Double(resident[rounds - 1]) <= Double(resident[rounds / 2]) * 1.02)
    }
}
