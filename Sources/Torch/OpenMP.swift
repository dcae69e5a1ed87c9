internal import Foundation

/// The thread team that libtorch's CPU operators run on.
enum OpenMP {
    /// How often a thread looks whether there is work before it sleeps.
    static let looks = "5000"

    /// Lets threads of the team look briefly and then sleep while they wait for each other, unless the user chose
    /// otherwise.
    ///
    /// They look for many milliseconds by default, which costs nothing on an idle machine and everything on a busy one: a
    /// thread that looks holds the core that the one it waits for needs. Never looking is slow on an idle one: between
    /// two operators of a small model the other thread is asleep, and waking it takes longer than the operator.
    /// `Documentation/performance.md` has the figures. To be called before the library is opened.
    static func waitBriefly() {
        let environment = ProcessInfo.processInfo.environment
        guard environment["OMP_WAIT_POLICY"] == nil, environment["GOMP_SPINCOUNT"] == nil else { return }
        // Only a lack of memory could make this fail, and then it is a matter of speed alone.
        _ = unsafe setenv("GOMP_SPINCOUNT", looks, 0)
    }
}
