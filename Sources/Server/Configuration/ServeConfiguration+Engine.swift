package import Engine

extension ServeConfiguration {
    /// The engine's settings with what the file says of them.
    /// - Parameter memoryBudget: Bytes for models and what they compute with, where the file does not say.
    package func engineSettings(memoryBudget: Int) -> EngineSettings {
        var settings = EngineSettings(memoryBudget: engine.memoryBudget ?? memoryBudget)
        settings.retention = storage.retention
        settings.idleUnloadSeconds = engine.idleUnloadSeconds
        settings.warmUpWidth = engine.warmUpWidth
        settings.warmUpHeight = engine.warmUpHeight
        settings.queueLimit = engine.queueLimit ?? settings.queueLimit
        settings.queueLimitPerCaller = engine.queueLimitPerCaller ?? settings.queueLimitPerCaller
        settings.affinityJobs = engine.affinityJobs ?? settings.affinityJobs
        settings.affinitySeconds = engine.affinitySeconds ?? settings.affinitySeconds
        settings.patience = engine.patience ?? settings.patience
        settings.attempts = engine.attempts ?? settings.attempts
        settings.jobTimeLimit = engine.jobTimeLimit ?? settings.jobTimeLimit
        settings.graceSeconds = engine.graceSeconds ?? settings.graceSeconds
        settings.preloads = engine.preloads ?? settings.preloads
        settings.failureRestSeconds = engine.failureRestSeconds ?? settings.failureRestSeconds
        settings.deliveryTries = engine.deliveryTries ?? settings.deliveryTries
        return settings
    }
}
