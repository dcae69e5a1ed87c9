import Engine
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TurnstileTests {
    private final class Order: Sendable {
        let numbers = Mutex<[Int]>([])
    }

    @Test func `one passes at a time, in order, and who is cancelled leaves`() async throws {
        let turnstile = Turnstile()
        let order = Order()
        try await turnstile.enter()
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<5 {
            let task = Task {
                try await turnstile.enter()
                order.numbers.withLock { $0.append(number) }
                turnstile.leave()
            }
            tasks.append(task)
            try await Task.sleep(for: .milliseconds(2))
        }
        tasks[2].cancel()
        await #expect(throws: CancellationError.self) { try await tasks[2].value }
        turnstile.leave()
        for number in [0, 1, 3, 4] { try await tasks[number].value }
        #expect(order.numbers.withLock { $0 } == [0, 1, 3, 4])
        try await turnstile.enter()
        turnstile.leave()
    }
}
