internal import Resources

/// The Swift face of the files that `Resources` builds into the program: their bytes as arrays of numbers.
enum EmbeddedFile {
    /// CLIP's merges: the ids of the left and the right part of each, in order.
    static func clipMerges() -> [UInt16] {
        var count = 0
        return numbers(gesso_clip_merges(&count), bytes: count)
    }

    /// The table behind `UnicodeText`, as 16-bit numbers.
    static func unicodeText() -> [UInt16] {
        var count = 0
        return numbers(gesso_unicode_text(&count), bytes: count)
    }

    /// Copies little-endian 16-bit numbers out of the program's read-only data.
    ///
    /// A copy of half a megabyte takes some 50 microseconds, and makes the rest of the code free of pointers.
    private static func numbers(_ start: UnsafePointer<UInt8>, bytes: Int) -> [UInt16] {
        let source = UnsafeRawBufferPointer(start: start, count: bytes)
        let copy = [UInt16](unsafeUninitializedCapacity: bytes / 2) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            initialized = bytes / 2
        }
        // Every machine this runs on is little-endian; there the conversion is the identity.
        return UInt16(littleEndian: 1) == 1 ? copy : copy.map { UInt16(littleEndian: $0) }
    }
}
