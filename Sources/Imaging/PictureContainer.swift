/// One file format: where its header, texts and pixels stand. Reading the container is done in Swift with every
/// position checked; compressed pixels go to the C library as they are.
protocol PictureContainer {
    static var format: PictureFormat { get }

    /// Walks through the whole file, so that one that ends too early is refused here.
    init(_ bytes: [UInt8]) throws(ImagingError)

    /// The size as stored, before `exif` turns it.
    var width: Int { get }
    var height: Int { get }
    var exif: ExifBlock? { get }

    /// The pixels as stored.
    func decoded() throws(ImagingError) -> Picture
    /// All texts, of which `limit` bytes may come in compressed form.
    func text(limit: Int) throws(ImagingError) -> PictureText

    /// A complete file without texts. Options are within their ranges.
    static func encoded(_ picture: Picture, _ options: EncodingOptions) throws(ImagingError) -> [UInt8]
    /// A file that `encoded` made, with texts added.
    static func adding(_ text: PictureText, to file: [UInt8]) throws(ImagingError) -> [UInt8]
}

extension PictureContainer {
    static func damaged(_ reason: String, at offset: Int? = nil) -> ImagingError {
        .damaged(format, offset: offset, reason: reason)
    }

    /// How the picture is to be turned.
    var orientation: Orientation { exif?.orientation ?? .upright }
}
