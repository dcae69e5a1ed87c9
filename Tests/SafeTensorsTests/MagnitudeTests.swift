import SafeTensors
import Testing

struct MagnitudeTests {
    private static func magnitude(_ bytes: [UInt8], _ type: ElementType) -> Magnitude? {
        bytes.withUnsafeBytes { Magnitude($0.bytes, type) }
    }

    private static func bytes<Bits: FixedWidthInteger>(_ values: [Bits]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.littleEndian, Array.init) }
    }

    @Test func `every pattern of 16 bits has its own magnitude`() {
        for bits in UInt16.min...UInt16.max {
            let half = Float16(bitPattern: bits)
            let found = Self.magnitude(Self.bytes([bits]), .float16)
            #expect(found?.isFinite == half.isFinite)
            #expect(half.isNaN ? found?.largest.isNaN == true : found?.largest == Double(half.magnitude))
            let brain = Float(bitPattern: UInt32(bits) << 16)
            let other = Self.magnitude(Self.bytes([bits]), .bfloat16)
            #expect(other?.isFinite == brain.isFinite)
            #expect(brain.isNaN ? other?.largest.isNaN == true : other?.largest == Double(brain.magnitude))
        }
    }

    /// The two 8-bit formats of Micikevicius et al. 2022: their largest numbers, smallest ones, and what is none.
    @Test(arguments: [
        (ElementType.float8E4M3, UInt8(0x7e), 448.0, true), (.float8E4M3, 0x7f, .nan, false),
        (.float8E4M3, 0xff, .nan, false), (.float8E4M3, 0x01, 0x1p-9, true),
        (.float8E4M3, 0xb8, 1, true), (.float8E5M2, 0x7b, 57344, true), (.float8E5M2, 0x7c, .infinity, false),
        (.float8E5M2, 0x7d, .nan, false), (.float8E5M2, 0x01, 0x1p-16, true), (.float8E5M2, 0xbc, 1, true),
    ])
    func `8-bit numbers`(type: ElementType, bits: UInt8, value: Double, isFinite: Bool) {
        let found = Self.magnitude([0, bits], type)
        #expect(found?.isFinite == isFinite && found?.firstNotFinite == (isFinite ? nil : 1))
        #expect(value.isNaN ? found?.largest.isNaN == true : found?.largest == value)
    }

    @Test func `the largest of many, whatever its sign, and the first that is no number`() {
        let floats: [Float] = [0, -3.5, 2, 1e-30, -0.0]
        #expect(Self.magnitude(Self.bytes(floats.map(\.bitPattern)), .float32)?.largest == 3.5)
        let broken = floats + [-.infinity, .nan]
        let found = Self.magnitude(Self.bytes(broken.map(\.bitPattern)), .float32)
        #expect(found?.firstNotFinite == 5 && found?.largest.isNaN == true)
        let doubles = [1e300, -2e300, .infinity].map(\.bitPattern)
        #expect(Self.magnitude(Self.bytes(doubles), .float64)?.firstNotFinite == 2)
    }

    @Test func `nothing is finite, and integers are no numbers to compute with`() {
        #expect(Self.magnitude([], .float32) == Self.magnitude(Self.bytes([Float(0).bitPattern]), .float32))
        #expect(Self.magnitude([1, 2], .uint8) == nil)
    }
}
