internal import Foundation

/// An address that may be gone to, as far as its text tells.
struct FetchTarget: Sendable, Equatable {
    /// Put together anew from the parts that were looked at: what is fetched is what was checked.
    let text: String
    /// In small letters; an IPv6 address without its brackets.
    let host: String

    init(_ address: String) throws(Rejection) {
        guard address.utf8.count <= 2048 else {
            throw PictureFetcher.rejection("the address has more than 2048 characters")
        }
        guard address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let parts = URLComponents(string: address),
            let scheme = parts.scheme?.lowercased(), let host = parts.encodedHost?.lowercased(), !host.isEmpty
        else {
            throw PictureFetcher.rejection(
                "'\(Words.shown(address))' is no address such as https://example.org/a.png")
        }
        guard scheme == "https" || scheme == "http" else {
            throw PictureFetcher.rejection(
                "the address begins with '\(Words.shown(scheme))'; only http and https are gone to")
        }
        guard parts.user == nil, parts.password == nil else {
            throw PictureFetcher.rejection("the address carries a name or a password; such are not gone to")
        }
        if let port = parts.port, port != 80, port != 443, !(1024...65_535).contains(port) {
            throw PictureFetcher.rejection("port \(port) is not gone to: 80, 443 and those from 1024 on are")
        }
        // Plain names and addresses alone: what one parser decodes and another does not could lead elsewhere.
        let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
        let name = isLiteral ? host.dropFirst().dropLast() : host[...]
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."):
                true
            case UInt8(ascii: "-"), UInt8(ascii: "_"): !isLiteral
            case UInt8(ascii: ":"): isLiteral
            default: false
            }
        }
        guard isPlain, !name.isEmpty else {
            throw PictureFetcher.rejection(
                "the host '\(Words.shown(host))' is not written plainly: letters, digits, '-' and '.'")
        }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        self.host = String(name)
        text =
            "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "") + path
            + (parts.percentEncodedQuery.map { "?\($0)" } ?? "")
    }

    /// Where a redirect leads.
    func following(_ place: String) throws(Rejection) -> FetchTarget {
        guard let base = URL(string: text), let next = URL(string: place, relativeTo: base) else {
            throw PictureFetcher.rejection("the address leads to '\(Words.shown(place))', which is none")
        }
        // From a secret connection to an open one: what follows could be read and changed on the way.
        if base.scheme?.lowercased() == "https", next.absoluteURL.scheme?.lowercased() == "http" {
            throw PictureFetcher.rejection("the address leads from https to http; such are not followed")
        }
        return try FetchTarget(next.absoluteString)
    }
}
