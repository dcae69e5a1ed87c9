internal import Foundation

/// The thread team that libtorch's CPU operators run on.
enum OpenMP {
    /// Lets threads of the team sleep while they wait for each other, unless the user chose otherwise.
    ///
    /// They spin by default, which costs nothing on an idle machine and everything on a busy one: a spinning thread holds
    /// the core that the one it waits for needs. Measured with other work on both cores of a two-core machine, ten steps
    /// of a tiny model took 57 to 135 s spinning and 3 to 4 s sleeping. To be called before the library is opened.
    static func waitAsleep() {
        let environment = ProcessInfo.processInfo.environment
        guard environment["OMP_WAIT_POLICY"] == nil, environment["GOMP_SPINCOUNT"] == nil else { return }
        // Only a lack of memory could make this fail, and then it is a matter of speed alone.
        _ = unsafe setenv("GOMP_SPINCOUNT", "0", 0)
    }
}
