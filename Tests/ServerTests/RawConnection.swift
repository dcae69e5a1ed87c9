import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A plain socket, for what no well-behaved client sends.
struct RawConnection {
    struct Closed: Error {}
    struct TooSlow: Error {}

    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private(set) var text = ""

    /// - Parameter tls: What a client of TLS is to trust and speak; nil for a plain socket.
    static func with<Value>(
        port: Int, tls: TLSConfiguration? = nil, _ body: (inout RawConnection) async throws -> Value
    ) async throws -> Value {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(
                channel: channel, iterator: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Everything received so far, once it has these words.
    @discardableResult
    mutating func read(until words: String) async throws -> String {
        while !text.contains(words) {
            guard let buffer = try await iterator.next(isolation: #isolation) else { throw Closed() }
            text += String(buffer: buffer)
        }
        return text
    }

    /// Reads until the other side closes.
    mutating func readToEnd() async throws -> String {
        do {
            while let buffer = try await iterator.next(isolation: #isolation) {
                text += String(buffer: buffer)
            }
        } catch is IOError {
            // Closed with a reset: closed all the same.
        }
        return text
    }
}
