/// How the RunPod front behaves where the protocol leaves a choice.
package struct RunPodSettings: Sendable, Equatable {
    /// For inputs that name no model; nil for the first one that is configured.
    package var defaultModel: String?
    /// Seconds that a job may run where its policy says nothing, nil for the engine's limit; and that it may take from its
    /// submission on.
    package var executionTimeout: Double?
    package var timeToLive = 86_400.0
    /// Seconds that a finished job can be asked for, from `/run` and from `/runsync`. The engine keeps its own history.
    package var resultSeconds = 1800.0
    package var syncResultSeconds = 60.0
    /// What addresses of pictures begin with, `https://example.org`; nil for what the client called the server.
    package var publicURL: String?
    /// Seconds between two tries of a webhook.
    package var webhookWait = 10.0
    /// Whether webhooks may lead to addresses that are not public.
    package var allowsPrivateWebhooks = false
    /// What `workerId` says.
    package var workerID = "gesso"

    /// `Job.priority` of a job whose policy says `lowPriority`.
    static let lowPriority = -5
    /// How often a webhook is tried.
    static let webhookTries = 3
    /// Errands and refusals that are remembered at once.
    static let mostErrands = 1000
    /// Bytes of the bodies of `/run` and `/runsync`.
    static let runBody = 10_000_000
    static let syncBody = 20_000_000
    /// Milliseconds that `wait` may say, and what it is when it says nothing.
    static let waits = 1000...300_000
    static let usualWait = 90_000
    /// Bytes of one piece of a stream.
    static let largestPiece = 1_000_000

    package init() {}
}
