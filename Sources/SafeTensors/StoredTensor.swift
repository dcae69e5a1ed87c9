/// A tensor where it lies in its file. The value is small; it keeps the mapping of the whole file alive.
package struct StoredTensor: Sendable {
    /// What the header says about the tensor.
    package let entry: TensorEntry
    /// The file it lies in.
    package let mapping: Mapping

    /// The tensor's bytes, valid while the mapping lives: little-endian elements, row after row.
    package var bytes: UnsafeRawBufferPointer {
        // Only `Archive` pairs entries with mappings, after the header's checks against the file's size.
        unsafe UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.byteRange])
    }

    /// Whether the first byte is where the element type may be loaded from directly. Files of the reference
    /// library are aligned, the format does not promise it.
    package var isAligned: Bool {
        guard let address = unsafe mapping.bytes.baseAddress else { return true }
        return unsafe UInt(bitPattern: address + entry.byteRange.lowerBound).isMultiple(
            of: UInt(entry.elementType.byteCount))
    }

    /// Runs `body` on the tensor's bytes.
    package func withBytes<R: ~Copyable, E>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try mapping.withBytes { (file: RawSpan) throws(E) -> R in
            try body(file.extracting(entry.byteRange))
        }
    }

    /// Asks the system to read the tensor ahead of its use.
    package func willNeed() {
        mapping.willNeed(entry.byteRange)
    }

    /// Takes the tensor out of resident memory; it stays readable.
    package func drop() {
        mapping.drop(entry.byteRange)
    }

    /// The same, and lets the system forget what it has read of the tensor: it is not needed soon.
    package func release() {
        mapping.release(entry.byteRange)
    }
}
