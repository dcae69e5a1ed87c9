internal import Foundation

/// Which network addresses belong to the public Internet: the only ones that a server may call on a client's behalf.
package enum PublicAddress {
    /// Whether an address in text, IPv4 or IPv6, is public: not loopback, private, link-local (where clouds keep their
    /// metadata), shared (100.64/10), multicast, reserved or documentation, nor an IPv6 form of one of those.
    package static func isPublic(_ text: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return isPublic(ipv4: withUnsafeBytes(of: &four) { Array($0) })
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return false }
        return isPublic(ipv6: withUnsafeBytes(of: &six) { Array($0) })
    }

    /// IANA's IPv4 special-purpose registry, all that is not globally reachable.
    private static let special4: [(address: UInt32, bits: UInt32)] = [
        (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16),
        (0xAC10_0000, 12), (0xC000_0000, 24), (0xC000_0200, 24), (0xC058_6300, 24), (0xC0A8_0000, 16),
        (0xC612_0000, 15), (0xC633_6400, 24), (0xCB00_7100, 24), (0xE000_0000, 4), (0xF000_0000, 4),
    ]

    static func isPublic(ipv4 bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else { return false }
        let address = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return !special4.contains { address >> (32 - $0.bits) == $0.address >> (32 - $0.bits) }
    }

    static func isPublic(ipv6 bytes: [UInt8]) -> Bool {
        guard bytes.count == 16 else { return false }
        let start = bytes.prefix(2).reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
        // Forms that stand for an IPv4 address: mapped, translated (64:ff9b::/96), 6to4. Only what they stand for counts.
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPublic(ipv4: Array(bytes[12...]))
        }
        if bytes.prefix(12) == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] {
            return isPublic(ipv4: Array(bytes[12...]))
        }
        if start == 0x2002 { return isPublic(ipv4: Array(bytes[2..<6])) }
        // Only 2000::/3 is given out; within it Teredo and other protocol ranges (2001::/23), documentation (2001:db8::/32,
        // 3fff::/20) are not places to go.
        guard start & 0xE000 == 0x2000 else { return false }
        if start == 0x2001, bytes[2] < 2 { return false }
        if bytes.prefix(4) == [0x20, 0x01, 0x0D, 0xB8] { return false }
        return !(start == 0x3FFF && bytes[2] < 0x10)
    }
}
