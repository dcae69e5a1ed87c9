import Foundation
import Pipelines
import Planning
import Synchronization
import Torch

/// One fault, put into a generation once or again and again.
struct InjectedFault: Sendable, CustomStringConvertible {
    /// What the numbers become.
    enum Damage: String, Sendable, CaseIterable {
        case oneNaN = "one NaN", allNaN = "all NaN", infinity = "one infinity", zeros = "zeros"
        case constant = "a constant", huge = "a millionfold"
    }

    /// How often it strikes.
    enum Persistence: String, Sendable, CaseIterable {
        case once
        /// Whenever the stage computes in 16 bits: an overflow.
        case in16Bits = "in 16 bits"
        case always
    }

    let place: FaultInjection.Place
    let damage: Damage
    let persistence: Persistence
    /// Where in the tensor a single value is changed, as a share of its length.
    let position: Double

    var description: String { "\(damage.rawValue) at \(place), \(persistence.rawValue)" }

    func damaged(_ tensor: Tensor) throws -> Tensor {
        let shape = tensor.shape
        var values = try tensor.floats()
        let index = min(values.count - 1, Int(position * Double(values.count)))
        switch damage {
        case .oneNaN: values[index] = .nan
        case .infinity: values[index] = .infinity
        case .allNaN: values = Array(repeating: .nan, count: values.count)
        case .zeros: values = Array(repeating: 0, count: values.count)
        case .constant: values = Array(repeating: 0.25, count: values.count)
        case .huge: values = values.map { $0 * 1e6 }
        }
        return try Tensor(values, shape: shape)
    }
}

/// Puts one fault in and counts what passes by.
final class FaultBench: Sendable {
    private let fault: InjectedFault?
    private let passed = Mutex<[FaultInjection.Place]>([])
    private let strikes = Mutex(0)

    init(_ fault: InjectedFault?) { self.fault = fault }

    /// Everything that passed, in order.
    var places: [FaultInjection.Place] { passed.withLock { $0 } }
    /// How often the fault struck.
    var struck: Int { strikes.withLock { $0 } }

    /// Runs `body` with the fault in place.
    func run<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        let injection = FaultInjection { [self] place, format, tensor in
            passed.withLock { $0.append(place) }
            guard let fault, place == fault.place else { return tensor }
            let strikesNow =
                switch fault.persistence {
                case .once: struck == 0
                case .in16Bits: format != .fp32
                case .always: true
                }
            guard strikesNow else { return tensor }
            strikes.withLock { $0 += 1 }
            return try fault.damaged(tensor)
        }
        return try await FaultInjection.$current.withValue(injection) { try await body() }
    }
}
