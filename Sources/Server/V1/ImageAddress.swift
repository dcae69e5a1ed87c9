package import Generation
internal import Imaging

/// Where this server hands out a job's pictures: `/v1/images/{id}/{n}.{ext}`, counted from 0.
package enum ImageAddress {
    package static func picture(_ job: JobID, _ number: Int, _ contentType: String) -> String {
        "/v1/images/\(job)/\(number).\(ending(contentType))"
    }

    package static func thumbnail(_ job: JobID, _ number: Int) -> String {
        "/v1/thumbnails/\(job)/\(number).jpg"
    }

    static func ending(_ contentType: String) -> String {
        PictureFormat.allCases.first { $0.mediaType == contentType }?.fileExtension ?? "bin"
    }

    /// `3.png` as 3 and `png`; nil for anything else.
    static func parse(_ name: String) -> (number: Int, ending: String)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...3).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(parts[0]),
            "\(number)" == parts[0]
        else { return nil }
        return (number, String(parts[1]))
    }
}
