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

    /// Loads, warms up and lets go of one model after the other; resident bytes after each.
    private static func run(_ rounds: Int) async throws -> [Int] {
        var resident: [Int] = []
        for round in 0..<rounds {
            try await use(open(round))
            try resident.append(#require(HostMemory.resident))
        }
        return resident
    }

    private static func use(_ worker: any Worker) async throws {
        try await worker.load()
        try await worker.warmUp(width: 64, height: 64)
    }

    @Test func `switching between two models leaves resident memory flat`() async throws {
        let rounds = ProcessInfo.processInfo.environment["GESSO_TEST_SWITCHES"].flatMap { Int($0) } ?? 40
        let resident = try await Self.run(rounds)
        // The allocator's own pools fill in the first rounds.
        let settled = resident[rounds / 4]
        let last = resident[rounds - 1]
        print("resident after \(rounds / 4) switches \(settled >> 10) kB, after \(rounds) \(last >> 10) kB")
        #expect(Double(last) <= Double(settled) * 1.02)
    }
}
