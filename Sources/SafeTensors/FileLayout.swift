/// The name, type and shape of a tensor that is going to be written.
package struct TensorDeclaration: Sendable, Equatable {
    /// The tensor's key in the checkpoint.
    package let name: String
    /// The type of its numbers.
    package let elementType: ElementType
    /// Its dimensions, outermost first.
    package let shape: [Int]

    /// Declares a tensor.
    package init(name: String, elementType: ElementType, shape: [Int]) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
    }
}

/// Where everything goes in a file that is going to be written: the header's bytes, and the tensors in their
/// order. For the same tensors it is, byte for byte, the layout that the reference library writes.
package struct FileLayout: Sendable, Equatable {
    /// The header, its 8 length bytes included. Its size is a multiple of 8.
    package let header: [UInt8]
    /// The tensors as they follow the header: the widest element types first, those of one type by name.
    package let entries: [TensorEntry]
    /// The size of the whole file.
    package let byteCount: Int

    /// Lays out a file. Names must differ, shapes must be possible.
    package init(
        of declarations: [TensorDeclaration], metadata: [String: String] = [:]
    ) throws(SafeTensorsError) {
        // The reference library compares names as bytes; Swift's own order of strings is another.
        let sorted = declarations.sorted {
            $0.elementType == $1.elementType
                ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
                : $0.elementType.writeOrder < $1.elementType.writeOrder
        }
        var names: Set<String> = []
        var ranges: [Range<Int>] = []
        var position = 0
        for declaration in sorted {
            let name = declaration.name
            guard name != Header.metadataName else { throw .tensor(name: name, .reservedName) }
            guard names.insert(name).inserted else { throw .tensor(name: name, .repeatedName) }
            guard declaration.shape.count <= Header.maximumDimensionCount else {
                throw .tensor(name: name, .tooManyDimensions(limit: Header.maximumDimensionCount))
            }
            guard let size = declaration.elementType.byteCount(of: declaration.shape),
                // Half of the range is kept for the header, so that no later sum can overflow.
                case let end = position.addingReportingOverflow(size), !end.overflow,
                end.partialValue <= Int.max / 2
            else { throw .tensor(name: name, .shape(declaration.shape)) }
            ranges.append(position..<end.partialValue)
            position = end.partialValue
        }

        let header = Self.encode(sorted, at: ranges, metadata)
        let textByteCount = header.count - Header.lengthByteCount
        guard textByteCount <= Header.maximumTextByteCount else {
            throw .headerTooLong(limit: Header.maximumTextByteCount, found: UInt64(textByteCount))
        }
        self.header = header
        byteCount = header.count + position
        entries = zip(sorted, ranges).map { declaration, range in
            TensorEntry(
                name: declaration.name, elementType: declaration.elementType, shape: declaration.shape,
                byteRange: header.count + range.lowerBound..<header.count + range.upperBound)
        }
    }

    /// The header's bytes: length, text, and spaces up to a multiple of 8.
    private static func encode(
        _ declarations: [TensorDeclaration], at ranges: [Range<Int>], _ metadata: [String: String]
    ) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quote($0.key)):\(quote($0.value))" }
            members.append("\(quote(Header.metadataName)):{\(pairs.joined(separator: ","))}")
        }
        for (declaration, range) in zip(declarations, ranges) {
            let shape = declaration.shape.map(String.init).joined(separator: ",")
            let type = declaration.elementType.rawValue
            let offsets = "\(range.lowerBound),\(range.upperBound)"
            members.append(
                "\(quote(declaration.name)):"
                    + "{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}")
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        while !text.count.isMultiple(of: 8) {
            text.append(UInt8(ascii: " "))
        }
        let length = UInt64(text.count)
        return (0..<Header.lengthByteCount).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text
    }

    /// A JSON string. Only what must be escaped is: quotes, backslashes and control characters.
    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\u{C}": quoted += "\\f"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
