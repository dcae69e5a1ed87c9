package import Generation

/// How a queue worker behaves where the protocol leaves a choice.
package struct RunPodWorkerSettings: Sendable {
    /// Jobs that are held at once.
    package var concurrency = 1
    /// For inputs that name no model; nil for the first one that is configured.
    package var defaultModel: String?
    /// Seconds between two looks at a running job, each of which is posted when something has changed.
    package var progressSeconds = 2.0
    /// Seconds that a question for jobs or for stops is left open.
    package var pollSeconds = 90.0
    /// Seconds before the second and each further try to bring a result.
    package var resultWaits = [1.0, 2.0]
    /// Seconds that one try may take: results may be 20 MB.
    package var resultSeconds = 120.0
    /// Seconds after which a post on the way is given up: the result must not wait for it.
    package var progressTimeout = 5.0
    /// Seconds to rest: after an empty answer, after one that asks for fewer calls, after any other.
    package var emptyPause = 0.2
    package var busyPause = 5.0
    package var errorPause = 1.0
    package var stopPause = 1.0
    /// The level of the protocol that is spoken, as the platform's own library numbers it.
    package var protocolVersion = "1.12.0"
    /// Opens the store that a job brings with it (`s3Config`); nil refuses such jobs.
    package var makeStore: (@Sendable (RunPodStore) throws -> any ImageStore)?

    package init() {}
}

/// Something to look at before the first job is taken.
package struct RunPodCheck: Sendable {
    package let name: String
    /// Throws what is wrong.
    package let body: @Sendable () async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.body = body
    }
}
