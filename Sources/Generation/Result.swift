/// A finished generation: as many checked pictures as were asked for.
package struct Result: Sendable {
    /// One picture, not yet encoded.
    package struct Painted: Sendable {
        package let width: Int
        package let height: Int
        /// 8-bit RGB, row by row.
        package let pixels: [UInt8]
        package let receipt: Receipt

        package init(width: Int, height: Int, pixels: [UInt8], receipt: Receipt) {
            self.width = width
            self.height = height
            self.pixels = pixels
            self.receipt = receipt
        }
    }

    package let pictures: [Painted]
    /// Wall-clock seconds by stage.
    package let seconds: [Progress.Stage: Double]
    /// What was done that the request did not literally say.
    package let notes: [String]

    package init(pictures: [Painted], seconds: [Progress.Stage: Double], notes: [String]) {
        self.pictures = pictures
        self.seconds = seconds
        self.notes = notes
    }
}
