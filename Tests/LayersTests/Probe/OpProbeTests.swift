import Planning
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Layers

/// The probe on this machine, and with operators that are broken on purpose.
@Suite(.serialized) struct OpProbeTests {
    @Test func `on this machine every format is right, and each error is that of its rounding`() async throws
    {
        _ = try LibTorch.open()
        let profile = try await OpProbe(.cpu, .quick).run(fingerprint: "here")
        #expect(profile.fingerprint == "here")
        #expect(profile.seconds > 0)
        let operations = Set(profile.measurements.map(\.operation))
        #expect(operations == [.linear, .convolution, .attention, .layerNorm, .groupNorm])
        for measurement in profile.measurements {
            let error = try #require(measurement.error, "\(measurement)")
            #expect(error <= measurement.errorLimit, "\(measurement)")
            // Less than half a rounding would mean that nothing was computed in that format.
            if measurement.format != .fp32 {
                #expect(error >= measurement.format.roundingError / 2, "\(measurement)")
            }
        }
        for operation in operations {
            let exact = profile.measurements(of: operation, .fp32)
            #expect(exact.count == 1)
            #expect(exact.allSatisfy { $0.verdict == .ok && $0.timeRatio == nil })
            for format in [NumberFormat.fp16, .bf16] {
                #expect(try #require(profile.timeRatio(of: operation, format)) > 0)
            }
        }
        #expect(!profile.rangeChecks.isEmpty)
        #expect(profile.rangeChecks.filter { !$0.passed } == [])
    }

    @Test func `what overflows is a fact and forbids nothing`() async throws {
        let (checks, facts) = try await onCPU {
            try RangeProbe(.cpu, slowConvolutions: [.fp16, .bf16]).run()
        }
        #expect(checks.allSatisfy { !$0.name.contains("sum") })
        func detail(_ format: String, _ name: String) -> String? {
            facts.first { $0.format == format && $0.name.contains(name) }?.detail
        }
        #expect(detail("fp16", "60000") == "60000")
        #expect(detail("fp16", "72000") == "Inf")
        #expect(detail("fp8-e4m3", "500 after") == "448")
        #expect(detail("fp8-e5m2", "500 after") == "512")
        #expect(facts.filter { $0.name.contains("look at nothing") }.count == 3)
    }

    /// An operator of a test's own.
    private static func made(
        _ run: @escaping @Sendable (Tensor) throws(TensorError) -> Tensor
    ) -> ProbeCase {
        ProbeCase(operation: .activation, shape: "made", operands: [.init([64, 64], .features)]) {
            operands, _ throws(TensorError) in try run(operands[0])
        }
    }

    private func measure(_ probed: ProbeCase) async throws -> [NumberFormat: OpMeasurement] {
        let found = try await onCPU { try OpProbe(.cpu, .quick).measure(probed, without: []) }
        return Dictionary(uniqueKeysWithValues: found.measurements.map { ($0.format, $0) })
    }

    @Test func `a kernel that is a hundredth off is wrong`() async throws {
        let found = try await measure(
            Self.made { x throws(TensorError) in
                let y = try x.silu()
                return x.dtype == .bfloat16 ? try y * 1.01 : y
            })
        #expect(found[.bf16]?.verdict == .wrong)
        #expect(found[.fp32]?.verdict == .ok)
        #expect(found[.fp16]?.verdict != .wrong)
    }

    @Test func `a result that is no number is wrong`() async throws {
        let found = try await measure(
            Self.made { x throws(TensorError) in
                x.dtype == .float16 ? try (x * 60_000) * 60_000 - (x * 60_000) * 60_000 : x
            })
        #expect(found[.fp16]?.error?.isNaN == true)
        #expect(found[.fp16]?.verdict == .wrong)
    }

    @Test func `a kernel that is not there is missing, in libtorch's words`() async throws {
        let found = try await measure(
            Self.made { x throws(TensorError) in
                x.dtype == .float16 ? try x.to(.float8E4M3).silu().to(.float16) : try x.silu()
            })
        #expect(found[.fp16]?.verdict == .missing)
        #expect(found[.fp16]?.message?.contains("not implemented for 'Float8_e4m3fn'") == true)
        #expect(found[.bf16]?.message == nil)
    }

    @Test func `a kernel that is far slower is measured once and no further`() async throws {
        let found = try await onCPU {
            try OpProbe(.cpu, .quick).measure(
                Self.made { x throws(TensorError) in
                    guard x.dtype == .bfloat16 else { return try x.silu() }
                    var y = x
                    for _ in 0..<200 { y = try y * 1 }
                    return try y.silu()
                }, without: [])
        }
        let slow = OpProbe.Candidate(operation: .activation, format: .bf16, layout: .contiguous)
        #expect(found.hopeless.contains(slow))
        #expect(found.measurements.first { $0.format == .bf16 }?.verdict == .slow)
        let again = try await onCPU {
            try OpProbe(.cpu, .quick).measure(
                Self.made { x throws(TensorError) in try x.silu() }, without: [slow])
        }
        #expect(again.measurements.allSatisfy { $0.format != .bf16 })
    }

    @Test(arguments: [(1, OpMeasurement.Verdict?.none), (100, .missing)])
    func `an operator that fails once is tried again, and only one that stays away is missing`(
        failures: Int, verdict: OpMeasurement.Verdict?
    ) async throws {
        let left = Atomic(failures)
        let found = try await onCPU {
            try OpProbe(.cpu, .quick).measure(
                Self.made { x throws(TensorError) in
                    if x.dtype == .bfloat16, left.wrappingSubtract(1, ordering: .relaxed).newValue >= 0 {
                        throw TensorError(operation: "made", message: "a bit flipped")
                    }
                    return try x.silu()
                }, without: []
            ).measurements.first { $0.format == .bf16 }
        }
        let measurement = try #require(found)
        #expect((measurement.verdict == .missing) == (verdict == .missing))
        #expect(measurement.message == (verdict == .missing ? "made: a bit flipped" : nil))
    }

    @Test func `a fault in float32 ends measuring: it says nothing of the other formats`() async throws {
        await #expect(throws: TensorError(operation: "made", message: "a bit flipped")) {
            try await onCPU {
                try OpProbe(.cpu, .quick).measure(
                    Self.made { x throws(TensorError) in
                        guard x.dtype != .float32 else {
                            throw TensorError(operation: "made", message: "a bit flipped")
                        }
                        return x
                    }, without: [])
            }
        }
    }

    @Test func `a lack of memory ends measuring, in any format`() async throws {
        await #expect(throws: TensorError.self) {
            try await onCPU {
                try OpProbe(.cpu, .quick).measure(
                    Self.made { x throws(TensorError) in
                        guard x.dtype != .float16 else {
                            throw TensorError(operation: "made", message: "CUDA out of memory")
                        }
                        return x
                    }, without: [])
            }
        }
    }

    @Test func `away from a device's thread nothing is measured`() throws {
        _ = try LibTorch.open()
        #expect {
            try OpProbe(.cpu, .quick).measure(Self.made { x throws(TensorError) in x }, without: [])
        } throws: { error in
            "\(error)".contains("not a device thread")
        }
    }

    @Test func `measuring can be cancelled`() async throws {
        _ = try LibTorch.open()
        let work = Task {
            try await OpProbe(.cpu, .full).run(fingerprint: "") { progress in
                if progress.step == 1 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}
