internal import CImaging

/// Calls of the C libraries: memory in, arrays or an error out.
enum LibraryCall {
    /// Lets `decode` fill the pixels of a picture of a known shape.
    ///
    /// - Parameter tolerates: whether a picture that the library complained about is good enough.
    static func picture(
        _ format: PictureFormat, _ shape: CIShape, tolerates: (String) -> Bool = { _ in false },
        decode: (UnsafeMutablePointer<UInt8>, inout CIMessage) -> CIStatus
    ) throws(ImagingError) -> [UInt8] {
        let count = Int(shape.width) * Int(shape.height) * Int(shape.channels)
        var message = CIMessage()
        var status = CIFailed
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { out, used in
            guard let start = out.baseAddress else { return }
            status = decode(start, &message)
            if status == CIOK || status == CIWarning { used = count }
        }
        if status == CIWarning, tolerates(message.line) { return pixels }
        guard status == CIOK else { throw .damaged(format, offset: nil, reason: message.line) }
        return pixels
    }

    /// Lets `encode` allocate a file, copies it and frees it.
    static func file(
        _ format: PictureFormat, encode: (inout CIBuffer, inout CIMessage) -> CIStatus
    ) throws(ImagingError) -> [UInt8] {
        var message = CIMessage()
        var buffer = CIBuffer()
        defer { ci_free(&buffer) }
        guard encode(&buffer, &message) == CIOK else {
            throw .notEncodable(format, reason: message.line)
        }
        return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    /// Unpacks a zlib stream of at most `limit` bytes.
    static func inflated(
        _ bytes: ArraySlice<UInt8>, of format: PictureFormat, at offset: Int, limit: Int
    ) throws(ImagingError) -> [UInt8] {
        var message = CIMessage()
        var buffer = CIBuffer()
        defer { ci_free(&buffer) }
        let status = bytes.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { ci_inflate($0, bytes.count, limit, &buffer, &message) }
        }
        switch status {
        case CIOK?: return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
        case CITooLarge?: throw .tooMuchText(format, limit: limit)
        case nil: throw .damaged(format, offset: offset, reason: "the compressed text is empty")
        default: throw .damaged(format, offset: offset, reason: message.line)
        }
    }

    /// The CRC-32 of a PNG chunk's type and data.
    static func crc(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBufferPointer { Int(ci_crc32(0, $0.baseAddress, $0.count)) }
    }
}

extension CIShape {
    /// A shape whose numbers are known to be small.
    init(_ width: Int, _ height: Int, _ channels: Int) {
        self.init(width: Int32(width), height: Int32(height), channels: Int32(channels))
    }

    init(_ picture: Picture) {
        self.init(picture.width, picture.height, picture.channels)
    }
}

extension CIMessage {
    /// The text that a C function left.
    fileprivate var line: String {
        withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
