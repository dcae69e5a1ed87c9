import Foundation
import Glibc
import SafeTensors
import Testing

/// Every truncation and every change of one byte of a small valid file: an error or a success, never a trap.
struct DamagedFileTests {
    /// Reads every byte of every tensor of a file in memory; false when the file is refused.
    private func isReadable(_ file: [UInt8]) -> Bool {
        // Refusing is one of the two right answers.
        guard let header = try? parse(file) else { return false }
        for entry in header.entries.values {
            // Both traps if the parser had let a range out of bounds through.
            let bytes = file[entry.byteRange]
            precondition(bytes.count == entry.elementCount * entry.elementType.byteCount)
        }
        return true
    }

    @Test func `every truncation is refused, in memory and as a file`() throws {
        let whole = try Fixture.bytes("small.safetensors")
        let folder = try TemporaryFolder()
        #expect(isReadable(whole))
        for count in 0..<whole.count {
            let part = Array(whole[..<count])
            #expect(!isReadable(part), "\(count) bytes")
            let path = try folder.write(part, to: "part.safetensors")
            let error = try #require(failure(opening: path), "\(count) bytes")
            #expect(error.path == path)
        }
    }

    @Test func `every extension is refused`() throws {
        let whole = try Fixture.bytes("small.safetensors")
        for count in 1...16 {
            #expect(!isReadable(whole + Array(repeating: 0, count: count)))
        }
    }

    @Test func `every change of one byte is refused or accepted as by the reference library`() throws {
        var bytes = try Fixture.bytes("small.safetensors")
        // One bit for every position and value, the lowest first.
        let verdicts = try Fixture.bytes("small-verdicts.bin")
        #expect(verdicts.count == bytes.count * 32)
        var accepted = 0
        for position in bytes.indices {
            let original = bytes[position]
            for value in 0..<256 {
                bytes[position] = UInt8(value)
                let expected = verdicts[position * 32 + value / 8] >> (value % 8) & 1 == 1
                let found = isReadable(bytes)
                #expect(found == expected, "value \(value) at byte \(position)")
                if found { accepted += 1 }
            }
            bytes[position] = original
        }
        // Whatever the 11 bytes of data are, the file is valid.
        #expect(accepted > 11 * 256)
        #expect(accepted < 11 * 256 + 1000)
    }

    @Test func `every flipped bit of a file on disk throws or succeeds, and so does reading its tensors`()
        throws
    {
        let whole = try Fixture.bytes("small.safetensors")
        let folder = try TemporaryFolder()
        let path = try folder.write(whole, to: "changed.safetensors")
        let file = open(path, O_WRONLY)
        defer { close(file) }
        var opened = 0
        for position in whole.indices {
            for bit in 0..<8 {
                var changed = whole[position] ^ (1 << bit)
                #expect(pwrite(file, &changed, 1, position) == 1)
                // Refusing is one of the two right answers.
                if let archive = try? Archive(opening: path) {
                    opened += 1
                    let sizes = archive.names.map { archive[$0]?.copy.count ?? -1 }
                    #expect(sizes.reduce(0, +) == archive.byteCount)
                }
            }
            var original = whole[position]
            #expect(pwrite(file, &original, 1, position) == 1)
        }
        #expect(opened >= 8 * 11)
        #expect(failure(opening: path) == nil)
    }

    @Test func `every truncation and change of an index throws or succeeds`() throws {
        let whole = Array(#"{"metadata":{"n":[1,"x"]},"weight_map":{"a":"b.safetensors"}}"#.utf8)
        #expect(try ShardIndex(parsing: whole.span.bytes).weightMap == ["a": "b.safetensors"])
        for count in 0..<whole.count {
            let part = Array(whole[..<count])
            #expect(throws: SafeTensorsError.self, "\(count) bytes") {
                try ShardIndex(parsing: part.span.bytes)
            }
        }
        var bytes = whole
        for position in bytes.indices {
            for value in UInt8.min...UInt8.max {
                bytes[position] = value
                // Refusing is one of the two right answers; what is accepted must not leave the folder.
                guard let index = try? ShardIndex(parsing: bytes.span.bytes) else { continue }
                #expect(
                    index.shards.allSatisfy { !$0.utf8.contains(UInt8(ascii: "/")) && !$0.utf8.contains(0) })
            }
            bytes[position] = whole[position]
        }
    }
}
