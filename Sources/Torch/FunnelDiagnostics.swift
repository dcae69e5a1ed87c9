internal import CTorch

/// Counters of the C funnel, and faults for tests.
package enum FunnelDiagnostics {
    /// Tensors made and not yet given back; zero when nothing leaks.
    package static var liveTensors: Int { Int(ct_live_tensors()) }

    /// Calls since the process started.
    package static var calls: Int { Int(ct_calls()) }

    /// Makes the `n`th call from now fail before it reaches libtorch, with the message "injected fault"; 0 stops that.
    package static func failCall(_ n: Int) { ct_fail_call(Int64(n)) }
}
