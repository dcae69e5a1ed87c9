/// Walks through the segments and scans of a JPEG file to its end marker, and keeps what matters.
struct JPEGScanner {
    /// The size of the picture, from its frame header.
    struct Frame {
        var width: Int
        var height: Int
        var components: Int
    }

    private(set) var frame: Frame?
    /// The EXIF block, put together, without its signature.
    private(set) var exif: [UInt8] = []
    private(set) var comments: [ArraySlice<UInt8>] = []

    private let bytes: [UInt8]
    private var position = 2
    private var exifContinues = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private enum Marker {
        static let endOfImage: UInt8 = 0xD9
        static let exif: UInt8 = 0xE1
        static let comment: UInt8 = 0xFE
        /// Frame headers of the kinds that are read: baseline, extended, progressive, each with Huffman or
        /// arithmetic codes.
        static let frames: Set<UInt8> = [0xC0, 0xC1, 0xC2, 0xC9, 0xCA]
        /// Lossless and hierarchical ones.
        static let otherFrames: Set<UInt8> = [0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF]
    }

    /// Reads up to the end marker; throws when the file ends before it.
    mutating func run() throws(ImagingError) {
        while true {
            let marker = try nextMarker()
            if marker == Marker.endOfImage { return }
            let start = position - 2
            guard let length = ByteOrder.big.number(2, at: position, of: bytes), length >= 2,
                length <= bytes.count - position
            else { throw unfinished }
            try keep(marker, bytes[(position + 2)..<(position + length)], at: start)
            position += length
        }
    }

    /// Steps over everything that is no marker: scans, in which FF 00 is a plain FF, restart marks, fill bytes.
    private mutating func nextMarker() throws(ImagingError) -> UInt8 {
        let found = bytes.withUnsafeBufferPointer { bytes -> UInt8? in
            while position < bytes.count - 1 {
                guard bytes[position] == 0xFF else {
                    position += 1
                    continue
                }
                let code = bytes[position + 1]
                position += 1
                // A fill byte may be the first half of a marker, so only one byte is stepped over.
                if code == 0xFF { continue }
                position += 1
                if code != 0x00, code != 0x01, !(0xD0...0xD8).contains(code) { return code }
            }
            return nil
        }
        guard let found else { throw unfinished }
        return found
    }

    private mutating func keep(
        _ marker: UInt8, _ content: ArraySlice<UInt8>, at start: Int
    ) throws(ImagingError) {
        switch marker {
        case _ where Marker.frames.contains(marker):
            guard frame == nil else { throw JPEGFile.damaged("it has two frame headers", at: start) }
            frame = try Self.frame(content, at: start)
        case _ where Marker.otherFrames.contains(marker):
            throw .unsupported(.jpeg, reason: "lossless and hierarchical JPEG")
        case Marker.exif where content.starts(with: ExifBlock.signature):
            // A block that filled its segment goes on in the next; other blocks that follow are copies.
            if exif.isEmpty || exifContinues { exif += content.dropFirst(ExifBlock.signature.count) }
            exifContinues = content.count == JPEGFile.segmentCapacity
        case Marker.comment:
            comments.append(content)
            guard comments.count <= PictureText.maximumEntries else {
                throw JPEGFile.damaged("more than \(PictureText.maximumEntries) comments", at: start)
            }
        default: break
        }
    }

    private static func frame(_ content: ArraySlice<UInt8>, at start: Int) throws(ImagingError) -> Frame {
        guard let precision = content.first, let components = content.dropFirst(5).first,
            let height = ByteOrder.big.number(2, at: 1, of: content),
            let width = ByteOrder.big.number(2, at: 3, of: content)
        else { throw JPEGFile.damaged("the frame header is not complete", at: start) }
        guard precision == 8 else {
            throw .unsupported(.jpeg, reason: "\(precision) bits a sample; 8 are read")
        }
        guard width > 0, height > 0 else {
            throw JPEGFile.damaged("a size of \(width)x\(height)", at: start)
        }
        guard [1, 3, 4].contains(components) else {
            throw .unsupported(.jpeg, reason: "\(components) colour components")
        }
        return Frame(width: width, height: height, components: Int(components))
    }

    private var unfinished: ImagingError {
        JPEGFile.damaged("the file ends too early", at: bytes.count)
    }
}
