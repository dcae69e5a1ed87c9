package import Generation

extension EngineSettings {
    /// Refuses figures that the engine cannot work with.
    /// - Throws: ``Failure``: `bad_request`, with the setting's name as its field.
    package func validate() throws(Failure) {
        let counts = [
            ("memoryBudget", memoryBudget), ("queueLimit", queueLimit),
            ("queueLimitPerCaller", queueLimitPerCaller),
            ("attempts", attempts), ("deliveryTries", deliveryTries), ("rememberedEvents", rememberedEvents),
        ]
        for (name, count) in counts where count < 1 {
            throw .badRequest(name, "\(name) is \(count), it must be at least 1")
        }
        for (name, count) in [("affinityJobs", affinityJobs), ("patience", patience)] where count < 0 {
            throw .badRequest(name, "\(name) is \(count), it must not be negative")
        }
        let lengths = [
            ("jobTimeLimit", jobTimeLimit), ("beatSeconds", beatSeconds),
            ("housekeepingSeconds", housekeepingSeconds), ("idleUnloadSeconds", idleUnloadSeconds ?? 1),
        ]
        // Written so that NaN is refused.
        for (name, seconds) in lengths where !(seconds > 0) {
            throw .badRequest(name, "\(name) is \(seconds) s, it must be above 0")
        }
        let waits = [
            ("affinitySeconds", affinitySeconds), ("graceSeconds", graceSeconds),
            ("failureRestSeconds", failureRestSeconds), ("deliveryWaitSeconds", deliveryWaitSeconds),
            ("eventInterval", eventInterval), ("progressInterval", progressInterval),
        ]
        for (name, seconds) in waits where !(seconds >= 0) {
            throw .badRequest(name, "\(name) is \(seconds) s, it must not be negative")
        }
    }
}
