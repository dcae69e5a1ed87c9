internal import Engine
package import Generation
package import HTTPTypes
package import Hummingbird

extension V1Front {
    /// `GET /v1/images/{id}/{name}`: a picture, or a range of its bytes.
    func image(_ call: Call) async throws -> Response {
        try await deliver(call) { picture, ending in
            ImageAddress.ending(picture.contentType) == ending ? picture.key : nil
        }
    }

    /// `GET /v1/thumbnails/{id}/{name}`: a JPEG of at most 320 pixels a side.
    func thumbnail(_ call: Call) async throws -> Response {
        try await deliver(call) { picture, ending in ending == "jpg" ? picture.thumbnail : nil }
    }

    /// - Parameter key: What of a picture is meant by the name's ending; nil where it is not there.
    private func deliver(_ call: Call, _ key: (StoredPicture, String) -> ImageKey?) async throws -> Response {
        _ = try call.query([])
        let view = try await own(call)
        let name = call.parameter("name")
        let pictures = view.record.pictures
        guard let (number, ending) = ImageAddress.parse(name), pictures.indices.contains(number),
            let key = key(pictures[number], ending)
        else {
            throw Rejection.notFound(
                "generation '\(view.record.job.id)' has no picture '\(Words.shown(name))'")
        }
        return try await ImageAnswer(images: parts.images, key: key).answer(call.request.headers)
    }
}

/// A stored picture as HTTP hands it out: with a tag, for good, whole or in part.
package struct ImageAnswer: Sendable {
    let images: any ImageStore
    let key: ImageKey

    package init(images: any ImageStore, key: ImageKey) {
        self.images = images
        self.key = key
    }

    /// - Throws: ``Rejection`` `not_found`, `range_not_satisfiable`; ``Generation/Failure``.
    package func answer(_ asked: HTTPFields) async throws -> Response {
        let known = asked[.ifNoneMatch]
        let range = asked[.range]
        guard known != nil || range != nil else { return whole(try await bytes(nil)) }
        // One byte tells the tag and the size: a picture that the client has, or that is read in parts, is not read whole.
        let start = try await bytes(0..<1)
        if let known, Self.matches(known, start.tag) {
            return Response(status: .notModified, headers: Self.headers(start, length: nil))
        }
        guard let range, asked[.ifRange].map({ Self.matches($0, start.tag) }) ?? true else {
            return whole(try await bytes(nil))
        }
        switch ByteRange.parse(range, total: start.total) {
        case .ignored: return whole(try await bytes(nil))
        case .unsatisfiable:
            throw Rejection(
                .rangeNotSatisfiable, "range_not_satisfiable",
                "the picture has \(start.total) bytes; '\(Words.shown(range))' asks for others",
                headers: [Rejection.Header(.contentRange, "bytes */\(start.total)")])
        case .bytes(let wanted):
            let part = try await bytes(wanted)
            // Changed between the two looks: the client's range is of another picture.
            guard part.tag == start.tag else { return whole(try await bytes(nil)) }
            var headers = Self.headers(part, length: part.bytes.count)
            headers[.contentRange] = "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/\(part.total)"
            return Response(
                status: .partialContent, headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: part.bytes)))
        }
    }

    private func bytes(_ range: Range<Int>?) async throws -> ImageBytes {
        guard let bytes = try await images.get(key, range: range) else {
            throw Rejection.notFound("the picture is not there any more")
        }
        return bytes
    }

    private func whole(_ image: ImageBytes) -> Response {
        Response(
            status: .ok, headers: Self.headers(image, length: image.bytes.count),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: image.bytes)))
    }

    private static func headers(_ image: ImageBytes, length: Int?) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = image.contentType
        headers[.eTag] = quoted(image.tag)
        // A picture never changes under its address; only who painted it may see it.
        headers[.cacheControl] = "private, max-age=31536000, immutable"
        headers[.acceptRanges] = "bytes"
        headers[.contentDisposition] = "inline"
        return headers
    }

    private static func quoted(_ tag: String) -> String {
        "\""
            + tag.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F && $0 != "\"" }.map(String.init)
            .joined() + "\""
    }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").contains { entry in
            let text = entry.trimmingPrefix { $0 == " " }
            let plain = text.hasPrefix("W/") ? text.dropFirst(2) : text
            return plain == "*" || plain.prefix { $0 != " " } == quoted(tag)
        }
    }
}

/// The header `Range`, as far as it is understood: one range of bytes.
enum ByteRange: Equatable {
    case bytes(Range<Int>)
    case unsatisfiable
    /// Several ranges, another unit or no grammar: the whole is sent, as RFC 9110 lets a server do.
    case ignored

    static func parse(_ text: String, total: Int) -> ByteRange {
        guard text.lowercased().hasPrefix("bytes=") else { return .ignored }
        let parts = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = number(parts[0]), let last = number(parts[1]) else {
            return .ignored
        }
        switch (first, last) {
        case (nil, nil): return .ignored
        case (nil, let suffix?):
            guard suffix > 0, total > 0 else { return .unsatisfiable }
            return .bytes(max(0, total - suffix)..<total)
        case (let first?, let last):
            guard first < total else { return .unsatisfiable }
            if let last, last < first { return .ignored }
            return .bytes(first..<min(total, (last ?? total - 1) + 1))
        }
    }

    /// The number, none where the text is empty; nil where it is no number.
    private static func number(_ text: Substring) -> Int?? {
        if text.isEmpty { return .some(nil) }
        guard text.utf8.count <= 15, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text)
        else {
            return nil
        }
        return .some(number)
    }
}
