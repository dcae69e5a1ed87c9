import Foundation
import SafeTensors
import Testing

/// Files of the reference library, read and written again.
struct ReferenceFileTests {
    /// One line of a recorded list of tensors.
    private struct Recorded: Equatable {
        var name: String
        var type: String
        var shape: [Int]
        var bytes: String
    }

    private func recorded(_ name: String) throws -> [Recorded] {
        let text = try String(contentsOfFile: Fixture.path(name), encoding: .utf8)
        let lines = text.unicodeScalars.split(separator: "\n")
        return try lines.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let name = try JSONDecoder().decode(String.self, from: Data(fields[0].utf8))
            let shape = fields[2].split(separator: ",").compactMap { Int($0) }
            return Recorded(name: name, type: fields[1], shape: shape, bytes: fields[3])
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func `every type, shape and byte of a reference file is read as recorded`() throws {
        let expected = try recorded("every-type.txt").sorted { $0.name < $1.name }
        let archive = try Archive(opening: Fixture.path("every-type.safetensors"))
        let found = archive.names.compactMap { archive[$0] }.map { tensor in
            Recorded(
                name: tensor.entry.name, type: tensor.entry.elementType.rawValue, shape: tensor.entry.shape,
                bytes: hexadecimal(tensor.copy))
        }
        #expect(found == expected)
        #expect(Set(found.map(\.type)) == Set(ElementType.allCases.map(\.rawValue)))
        #expect(archive.count == expected.count)
        #expect(archive.metadata["written by"]?.hasPrefix("safetensors 0.8") == true)
        #expect(archive.files == [Fixture.path("every-type.safetensors")])
        #expect(archive["not there"] == nil)
    }

    @Test func `element counts, sizes and alignment follow shape and type`() throws {
        let archive = try Archive(opening: Fixture.path("every-type.safetensors"))
        #expect(archive["scalar"]?.entry.elementCount == 1)
        #expect(archive["empty"]?.entry.elementCount == 0)
        #expect(archive["empty.middle"]?.entry.elementCount == 0)
        #expect(archive["block.3.bfloat16"]?.entry.elementCount == 6)
        for name in archive.names {
            let tensor = try #require(archive[name])
            let size = tensor.entry.elementType.byteCount(of: tensor.entry.shape)
            #expect(tensor.entry.byteRange.count == size)
            #expect(tensor.bytes.count == size)
            #expect(tensor.isAligned)
        }
        #expect(archive.byteCount == archive.names.reduce(0) { $0 + (archive[$1]?.bytes.count ?? 0) })
    }

    @Test(arguments: ["every-type.safetensors", "small.safetensors"])
    func `writing a reference file's tensors again gives the same bytes`(file: String) throws {
        let archive = try Archive(opening: Fixture.path(file))
        let tensors = archive.names.compactMap { archive[$0] }.map { tensor in
            TensorToWrite(
                name: tensor.entry.name, elementType: tensor.entry.elementType, shape: tensor.entry.shape,
                bytes: tensor.copy)
        }
        let folder = try TemporaryFolder()
        try ArchiveWriter.write(tensors.shuffled(), metadata: archive.metadata, to: folder.file("copy"))
        let copy = try [UInt8](Data(contentsOf: URL(filePath: folder.file("copy"))))
        #expect(try copy == Fixture.bytes(file))
    }

    @Test func `a sharded reference checkpoint opens as one`() throws {
        let path = Fixture.path("sharded/model.safetensors.index.json")
        let archive = try Archive(opening: path)
        #expect(archive.path == path)
        #expect(archive.names == (0..<6).map { "layers.\($0).weight" })
        #expect(
            archive.files == (1...3).map { Fixture.path("sharded/model-0000\($0)-of-00003.safetensors") })
        #expect(archive.metadata == ["format": "pt"])
        for index in 0..<6 {
            let tensor = try #require(archive["layers.\(index).weight"])
            let values = tensor.withBytes { span in
                (0..<16).map { span.unsafeLoad(fromByteOffset: 4 * $0, as: Float.self) }
            }
            #expect(values == Array(repeating: Float(index), count: 16))
            #expect(tensor.mapping.path == archive.files[index / 2])
        }
    }
}
