import Foundation
import Synchronization

/// An HTTP server on the loopback that gives one answer after the other, each on a connection of its own, and keeps what
/// it was asked: for troubles that a real store does not make when it is told to.
final class ScriptedServer: Sendable {
    enum Answer: Sendable {
        /// A status line's end, header lines, a body.
        case status(String, headers: [String] = [], body: String = "")
        /// Closes the connection without a word.
        case close
        /// Says nothing until the client goes away.
        case silence
    }

    let port: Int
    private let listener: Int32
    private let requests = Mutex<[String]>([])

    /// What was asked so far: head and body of each request.
    var asked: [String] { requests.withLock { $0 } }

    init(_ answers: [Answer]) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        precondition(isListening, "no port on the loopback: \(errno)")
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            for answer in answers {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                serve(connection, answer)
                close(connection)
            }
            close(listener)
        }
    }

    private func serve(_ connection: Int32, _ answer: Answer) {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !Self.isWhole(received) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += buffer.prefix(count)
        }
        requests.withLock { $0.append(String(decoding: received, as: UTF8.self)) }
        switch answer {
        case .close: return
        case .silence:
            while recv(connection, &buffer, buffer.count, 0) > 0 {}
        case .status(let status, let headers, let body):
            let lines =
                ["HTTP/1.1 \(status)", "content-length: \(body.utf8.count)", "connection: close"] + headers
            let text = Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
            _ = send(connection, text, text.count, Int32(MSG_NOSIGNAL))
        }
    }

    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let head = text.range(of: "\r\n\r\n") else { return false }
        let length = text[..<head.lowerBound].lowercased().components(separatedBy: "content-length: ")
            .dropFirst().first
        let count = length.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        return text[head.upperBound...].utf8.count >= count
    }
}
