/// Random texts that Scripts/fixtures/t5_tokenizers.py (`random_texts`) draws too.
struct RandomTexts: Sequence, IteratorProtocol {
    private var generator: SeededGenerator
    private static let starts: [UInt32] = [
        0x20, 0x20, 0x40, 0x40, 0x61, 0x61, 0, 0x300, 0xC0, 0x1100, 0x1160, 0xAC00, 0x900, 0x930, 0x2000,
        0x1F300, 0x3040, 0x1E00, 0xFF00, 0x3300, 0x2100, 0xE00, 0x600, 0x4E00, 0x1D400, 0x200, 0x3B0, 0xFB00,
        0x5D0, 0x400,
    ]

    init(seed: UInt64) {
        generator = SeededGenerator(state: seed)
    }

    /// Up to 23 code points, mostly of a few neighbouring blocks.
    mutating func next() -> String? {
        var text = String.UnicodeScalarView()
        var start: UInt32 = 0x61
        for _ in 0..<draw(24) {
            let kind = draw(8)
            let point: UInt32
            if kind == 0 {
                point = UInt32(draw(0x110000))
            } else {
                if kind < 4 {
                    start = Self.starts[draw(Self.starts.count)]
                }
                point = start + UInt32(draw(0x60))
            }
            if let scalar = Unicode.Scalar(point) {
                text.append(scalar)
            }
        }
        return String(text)
    }

    private mutating func draw(_ limit: Int) -> Int {
        Int(generator.next() % UInt64(limit))
    }
}
