internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes connections whose clients are too slow: with a head, with a body, with reading their answer, or with the next
/// request. One timer a connection; a slow client costs a connection for a bounded time and nothing else.
final class ConnectionDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Phase {
        /// Nothing of a request is there yet.
        case head
        case body(began: NIODeadline, bytes: Int)
        /// The request is whole, the answer is being made or sent.
        case answering
    }

    /// Seconds that a connection stays open after its last answer.
    private static let lingerSeconds = 1.0

    private let limits: ServerLimits
    /// Whether the answer on its way says that it is the connection's last.
    private var isLast = false
    private var phase = Phase.head
    private var timer: Scheduled<Void>?
    private var unreadTimer: Scheduled<Void>?

    init(limits: ServerLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { wait(limits.headSeconds, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelActive(context: ChannelHandlerContext) {
        wait(limits.headSeconds, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            guard !isLast else { break }
            phase = .body(began: .now(), bytes: 0)
            wait(limits.bodySeconds, context)
        case .body(let buffer):
            if case .body(let began, let bytes) = phase {
                phase = .body(began: began, bytes: bytes + buffer.readableBytes)
            }
        case .end:
            if !isLast {
                phase = .answering
                timer?.cancel()
                timer = nil
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isLast = head.headerFields[.connection]?.lowercased() == "close"
        case .body: break
        case .end where isLast:
            // The rest of a request that was refused is not read for ever; closing at once could lose the answer.
            phase = .head
            wait(Self.lingerSeconds, context)
        case .end:
            if case .answering = phase {
                phase = .head
                wait(limits.idleSeconds, context)
            }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unreadTimer?.cancel()
        unreadTimer = nil
        if !context.channel.isWritable {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            unreadTimer = context.eventLoop.scheduleTask(in: Self.amount(limits.unreadSeconds)) {
                bound.value.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func wait(_ seconds: Double, _ context: ChannelHandlerContext) {
        timer?.cancel()
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: Self.amount(seconds)) {
            bound.value.handler.timeIsUp(bound.value.context)
        }
    }

    private func timeIsUp(_ context: ChannelHandlerContext) {
        guard case .body(let began, let bytes) = phase else { return context.close(promise: nil) }
        // A body may take longer as long as it comes fast enough.
        let allowed = limits.bodySeconds + Double(bytes) / Double(max(1, limits.bodyBytesPerSecond))
        let spent = Double((NIODeadline.now() - began).nanoseconds) / 1e9
        guard allowed > spent else { return context.close(promise: nil) }
        wait(max(0.05, allowed - spent), context)
    }

    private func stop() {
        timer?.cancel()
        unreadTimer?.cancel()
        (timer, unreadTimer) = (nil, nil)
    }

    private static func amount(_ seconds: Double) -> TimeAmount { .nanoseconds(Int64(seconds * 1e9)) }
}
