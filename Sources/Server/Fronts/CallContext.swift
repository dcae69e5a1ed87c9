package import Hummingbird
package import NIOCore

/// What the server keeps beside a request while it is answered.
package struct CallContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Whose connection it is; nil in tests without a socket.
    package let remoteAddress: SocketAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
