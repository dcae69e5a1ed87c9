internal import CTorch
internal import Dispatch
internal import Foundation
internal import Synchronization

/// The one place where tensors of a device are computed: an actor with an OS thread of its own.
///
/// libtorch keeps grad mode by thread and OpenMP gives each calling thread a team of its own, so two callers would
/// fight over the cores. Hop here once a step, never once an operator.
package actor DeviceActor {
    package nonisolated let device: Device
    private nonisolated let thread: DeviceThread

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe thread.asUnownedSerialExecutor()
    }

    private init(_ device: Device) {
        self.device = device
        thread = DeviceThread(name: "gesso.\(device)") { _ = ct_prepare_thread() }
    }

    private static let actors = Mutex<[Device: DeviceActor]>([:])

    /// The actor of a device; the library must be open. Threads live as long as the process.
    package static func of(_ device: Device) -> DeviceActor {
        actors.withLock { actors in
            if let known = actors[device] { return known }
            let actor = DeviceActor(device)
            actors[device] = actor
            return actor
        }
    }

    /// Runs `body` on the device's thread; everything before it has finished, nothing else runs beside it.
    package func run<Result: Sendable>(_ body: @Sendable () throws -> Result) throws -> Result {
        try body()
    }
}

/// Runs one actor's jobs on one OS thread, in order; `prepare` runs there first.
private final class DeviceThread: SerialExecutor {
    private let inbox = Mutex<[UnownedJob]>([])
    private let arrivals = DispatchSemaphore(value: 0)
    private let identity = Mutex<pthread_t?>(nil)

    init(name: String, prepare: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            identity.withLock { $0 = pthread_self() }
            prepare()
            while true {
                arrivals.wait()
                let job = inbox.withLock { $0.removeFirst() }
                unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        inbox.withLock { $0.append(job) }
        arrivals.signal()
    }

    func isIsolatingCurrentContext() -> Bool? { identity.withLock { $0 == pthread_self() } }
}
