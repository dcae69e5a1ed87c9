/// UTF-8 byte by byte, for texts whose pieces may end anywhere.
enum UTF8Text {
    /// How many bytes the character has that starts with `lead`; 1 for a byte that starts none.
    static func length(lead: UInt8) -> Int {
        lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }

    /// How many bytes a scalar value has.
    static func length(of scalar: UInt32) -> Int {
        scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x1_0000 ? 3 : 4
    }

    /// Appends the bytes of a scalar value.
    static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        if scalar < 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: scalar))
            return
        }
        let length = length(of: scalar)
        let marker: UInt32 = length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0
        bytes.append(UInt8(truncatingIfNeeded: marker | scalar >> UInt32(6 * (length - 1))))
        for index in (0..<length - 1).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> UInt32(6 * index) & 0x3F))
        }
    }
}
