import TestSupport
import Testing
import Torch

/// The funnel's counters and faults are global: these tests run one after another.
@Suite(.serialized) struct FunnelTests {
    @Test func `a call away from a device thread is refused`() throws {
        _ = try LibTorch.open()
        #expect {
            _ = try Tensor([1], shape: [1])
        } throws: { error in
            "\(error)".contains("not a device thread")
        }
    }

    @Test func `one device is one thread, however many callers`() async throws {
        _ = try LibTorch.open()
        let actor = DeviceActor.of(.cpu)
        let sums = try await withThrowingTaskGroup(of: Float.self) { group in
            for value in 0..<200 {
                group.addTask {
                    try await actor.run { try (Tensor([Float(value)], shape: [1]) * 2).floats()[0] }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sums == Float(2 * 199 * 200 / 2))
    }

    @Test func `memory that is only borrowed is let go of exactly once`() async throws {
        final class Owner: Sendable {}
        var owner: Owner? = Owner()
        weak let watched = owner
        let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
        defer { numbers.deallocate() }
        _ = numbers.initialize(from: [1, 2, 3, 4])
        let bytes = UnsafeRawBufferPointer(numbers)
        nonisolated(unsafe) let shared = bytes
        let sum = try await onCPU { [owner] in
            let tensor = try Tensor(
                borrowing: shared, shape: [2, 2], dtype: .float32, owner: owner ?? Owner())
            return try (tensor * 10).floats()
        }
        #expect(sum == [10, 20, 30, 40])
        owner = nil
        #expect(watched == nil)
    }
}
