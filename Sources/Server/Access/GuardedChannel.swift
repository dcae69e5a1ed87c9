internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Synchronization

/// HTTP/1.1 as Hummingbird speaks it, safe against a connection that arrives while the server stops.
///
/// NIO ends the process when a channel's writer is dropped without having been finished, and a connection that was accepted
/// a moment after the server stopped taking connections is dropped so.
struct GuardedChannel: ServerChildChannel {
    let base: HTTP1Channel

    /// A connection, which finishes itself if nobody takes it up.
    final class Value: ServerChildChannelValue {
        fileprivate let wrapped: HTTP1Channel.Value
        fileprivate let isTakenUp = Atomic(false)

        fileprivate init(_ wrapped: HTTP1Channel.Value) { self.wrapped = wrapped }

        var channel: any Channel { wrapped.channel }

        deinit {
            guard !isTakenUp.load(ordering: .acquiring) else { return }
            // The one task without an owner in this target: nobody is left who could own it, and it only closes.
            Task { [wrapped] in
                do { try await wrapped.executeThenClose { _, _ in } } catch {
                    // It was closed already: that is all that is wanted.
                }
            }
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).map { Value($0) }
    }

    func handle(value: Value, logger: Logger) async {
        value.isTakenUp.store(true, ordering: .releasing)
        await base.handle(value: value.wrapped, logger: logger)
    }
}
