internal import Generation

/// The jobs that a worker holds, from their taking until their result is brought.
actor RunPodHeld {
    private struct Place {
        /// In the engine, once it is there.
        var job: JobID?
        var isStopped = false
    }

    private var places: [String: Place] = [:]
    /// The loop that takes jobs, while there is no room for more.
    private var waiter: CheckedContinuation<Void, Never>?

    /// False when it is held already: the platform hands out a job once.
    func add(_ id: String) -> Bool {
        guard places[id] == nil else { return false }
        places[id] = Place()
        return true
    }

    func remove(_ id: String) {
        places[id] = nil
        waiter?.resume()
        waiter = nil
    }

    /// Waits until fewer than so many are held. One loop may ask at a time.
    /// - Returns: How many more there is room for.
    func waitForRoom(of limit: Int) async -> Int {
        while places.count >= limit { await withCheckedContinuation { waiter = $0 } }
        return limit - places.count
    }

    var ids: [String] { places.keys.sorted() }
    var isEmpty: Bool { places.isEmpty }
    var count: Int { places.count }

    /// Says where the engine has it; false when it is to stop.
    func submit(_ id: String, as job: JobID) -> Bool {
        places[id]?.job = job
        return places[id]?.isStopped == false
    }

    /// Marks it as to stop: nothing more is posted for it.
    /// - Returns: Where the engine has it; nil where it is not held or not there yet.
    func stop(_ id: String) -> JobID? {
        places[id]?.isStopped = true
        return places[id]?.job
    }

    func isStopped(_ id: String) -> Bool { places[id]?.isStopped ?? true }
}
