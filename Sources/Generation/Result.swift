/// A finished generation: as many checked pictures as were asked for.
package struct Result: Sendable {
    /// One picture, not yet encoded.
    package struct Painted: Sendable {
        package let width: Int
        package let height: Int
        /// 8-bit RGB, row by row.
        package let pixels: [UInt8]
        /// The denoiser's final latents in float32, for comparing pictures before the decoder and for later use.
        package let latents: Latents
        package let receipt: Receipt

        package init(width: Int, height: Int, pixels: [UInt8], latents: Latents, receipt: Receipt) {
            self.width = width
            self.height = height
            self.pixels = pixels
            self.latents = latents
            self.receipt = receipt
        }
    }

    /// A picture in the autoencoder's space, scaled as the denoiser sees it.
    package struct Latents: Sendable, Equatable {
        /// `[channels, height, width]`
        package let shape: [Int]
        package let values: [Float]

        package init(shape: [Int], values: [Float]) {
            self.shape = shape
            self.values = values
        }
    }

    package let pictures: [Painted]
    /// Wall-clock seconds by stage.
    package let seconds: [Progress.Stage: Double]
    /// What was done that the request did not literally say.
    package let notes: [String]
    /// How many of its prompts were found encoded, and how many had to be encoded.
    package let conditioning: ConditioningCounts

    package init(
        pictures: [Painted], seconds: [Progress.Stage: Double], notes: [String],
        conditioning: ConditioningCounts = ConditioningCounts()
    ) {
        self.pictures = pictures
        self.seconds = seconds
        self.notes = notes
        self.conditioning = conditioning
    }
}
