package import Hummingbird
internal import Logging
package import NIOCore

/// What the server keeps beside a request while it is answered.
package struct CallContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Whose connection it is; nil in tests without a socket.
    package let remoteAddress: SocketAddress?

    /// The request's id, as logs carry it; empty where a log handler keeps no metadata.
    package var requestID: String { logger[metadataKey: "hb.request.id"]?.description ?? "" }

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
