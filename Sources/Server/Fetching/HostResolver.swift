internal import Foundation
internal import NIOPosix

/// Asks the system for a host's addresses, off the event loops: the question blocks.
enum HostResolver {
    struct Unresolved: Error {}

    @Sendable
    static func addresses(of host: String) async throws -> [String] {
        try await NIOThreadPool.singleton.runIfActive { try blockingAddresses(of: host) }
    }

    private static func blockingAddresses(of host: String) throws -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { throw Unresolved() }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let info = entry?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            {
                // A scope such as fe80::1%eth0 is not part of the address.
                let whole = String(
                    decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                addresses.append(String(whole.prefix { $0 != "%" }))
            }
            entry = info.ai_next
        }
        return addresses
    }
}
