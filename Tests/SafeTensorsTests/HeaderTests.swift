import SafeTensors
import Testing

/// What a header may look like, and what is refused with which words.
struct HeaderTests {
    private static let entry = #"{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#
    private static let data: [UInt8] = [1, 2]

    /// A file with a tensor `a` of two bytes and the given text in place of its object.
    private func file(_ object: String, data: [UInt8] = Self.data) -> [UInt8] {
        makeFile(#"{"a":\#(object)}"#, data: data)
    }

    @Test func `an entry's byte range counts from the start of the file`() throws {
        let header = try parse(file(Self.entry))
        #expect(header.byteCount == 8 + 53)
        let found = try #require(header.entries["a"])
        #expect(header.entries.count == 1)
        #expect(found.name == "a")
        #expect(found.elementType == .uint8)
        #expect(found.shape == [2])
        #expect(found.byteRange == 61..<63)
        #expect(header.metadata.isEmpty)
    }

    @Test func `the header can be parsed from the first part of a file`() throws {
        let whole = file(Self.entry)
        let head = Array(whole[..<61])
        #expect(try Header(parsing: head.span.bytes, fileByteCount: whole.count) == parse(whole))
    }

    @Test(arguments: [
        #"{ "shape" : [ 2 ] , "data_offsets" : [ 0 , 2 ] , "dtype" : "U8" }"#,
        "{\t\"dtype\":\r\n\"U8\",\"shape\":[2,1,1],\"data_offsets\":[0,2]}\n",
        #"{"dtype":"BF16","shape":[],"data_offsets":[0,2]}"#,
        #"{"\u0064type":"\u00558","sh\u0061pe":[2],"data_offsets":[0,2]}"#,
    ])
    func `order of fields, white space and escapes do not matter`(object: String) throws {
        #expect(try parse(file(object)).entries["a"]?.byteRange.count == 2)
    }

    @Test func `a file without tensors is a file`() throws {
        #expect(try parse(makeFile("{}")).entries.isEmpty)
        #expect(try parse(makeFile("{}  \n\t ")).byteCount == 15)
        #expect(try parse(makeFile(#"{"__metadata__":null}"#)).metadata.isEmpty)
        #expect(try parse(makeFile(#"{"__metadata__":{"a":"1","":"x"}}"#)).metadata == ["a": "1", "": "x"])
    }

    @Test func `empty tensors may lie at any border and share it`() throws {
        let header = try parse(
            makeFile(
                """
                {"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},\
                "end":{"dtype":"F64","shape":[7,0],"data_offsets":[2,2]},\
                "start":{"dtype":"F64","shape":[0],"data_offsets":[0,0]},\
                "too":{"dtype":"F64","shape":[0,9223372036854775807],"data_offsets":[2,2]}}
                """, data: [1, 2]))
        #expect(header.entries.count == 4)
        #expect(header.entries["too"]?.elementCount == 0)
    }

    @Test(arguments: [
        (#"{"dtype":"F4","shape":[2],"data_offsets":[0,2]}"#, TensorProblem.unknownElementType("F4")),
        (#"{"dtype":"u8","shape":[2],"data_offsets":[0,2]}"#, .unknownElementType("u8")),
        (#"{"dtype":"","shape":[2],"data_offsets":[0,2]}"#, .unknownElementType("")),
        (#"{"shape":[2],"data_offsets":[0,2]}"#, .missingField("dtype")),
        (#"{"dtype":"U8","data_offsets":[0,2]}"#, .missingField("shape")),
        (#"{"dtype":"U8","shape":[2]}"#, .missingField("data_offsets")),
        ("{}", .missingField("dtype")),
        (#"{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}"#, .repeatedField("dtype")),
        (#"{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}"#, .repeatedField("shape")),
        (
            #"{"dtype":"U8","shape":[2],"data_offsets":[0,2],"data_offsets":[0,2]}"#,
            .repeatedField("data_offsets")
        ),
        (#"{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}"#, .unknownField("x")),
        (#"{"dtype":"U8","shape":[2],"data_offsets":[2,0]}"#, .reversedOffsets(begin: 2, end: 0)),
        (#"{"dtype":"U8","shape":[3],"data_offsets":[0,3]}"#, .outsideFile(end: 3, available: 2)),
        (
            #"{"dtype":"U8","shape":[3],"data_offsets":[0,9223372036854775807]}"#,
            .outsideFile(end: .max, available: 2)
        ),
        (#"{"dtype":"U8","shape":[3],"data_offsets":[0,2]}"#, .byteCount(expected: 3, found: 2)),
        (#"{"dtype":"U16","shape":[2],"data_offsets":[0,2]}"#, .byteCount(expected: 4, found: 2)),
        (#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#, .hole(byteCount: 1)),
        (
            #"{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,2]}"#,
            .shape([4_294_967_296, 4_294_967_296])
        ),
        (#"{"dtype":"U16","shape":[9223372036854775807],"data_offsets":[0,2]}"#, .shape([.max])),
        (
            #"{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}"#,
            .shape([4_294_967_296, 4_294_967_296, 0])
        ),
    ])
    func `a tensor's impossible object is refused by name`(object: String, problem: TensorProblem) {
        let error = failure(file(object))
        #expect(error == .tensor(name: "a", problem))
        #expect(error?.tensor == "a")
    }

    @Test(arguments: [
        #"{"dtype":1,"shape":[2],"data_offsets":[0,2]}"#,
        #"{"dtype":null,"shape":[2],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":2,"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[-1],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[-0],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[2e0],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[02],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":["2"],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[2,],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[,2],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[2 1],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[[2]],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[92233720368547758070],"data_offsets":[0,2]}"#,
        #"{"dtype":"U8","shape":[2],"data_offsets":[0]}"#,
        #"{"dtype":"U8","shape":[2],"data_offsets":[]}"#,
        #"{"dtype":"U8","shape":[2],"data_offsets":[0,2,2]}"#,
        #"{"dtype":"U8","shape":[2],"data_offsets":{"0":2}}"#,
        #"{"dtype":"U8","shape":[2],"data_offsets":[0,2],}"#,
        #"{"dtype":"U8" "shape":[2],"data_offsets":[0,2]}"#,
        #"{"dtype" "U8","shape":[2],"data_offsets":[0,2]}"#,
        #"{dtype:"U8","shape":[2],"data_offsets":[0,2]}"#,
        #"["U8",[2],[0,2]]"#, "null", "1", #""U8""#, "",
    ])
    func `an object that is not of the format's form is refused`(object: String) {
        guard case .json = failure(file(object)) else {
            Issue.record("\(object): \(String(describing: failure(file(object))))")
            return
        }
    }

    @Test(arguments: [
        "", " {}", "\u{FEFF}{}", "[]", "null", "{", "}", "{}{}", "{}x", "{}\0", "{,}", #"{"a"}"#, #"{"a":}"#,
        #"{"__metadata__":[]}"#, #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":null}}"#,
        #"{"__metadata__":{"a":{}}}"#, #"{"__metadata__":"a"}"#, #"{"__metadata__":nul}"#,
        #"{"__metadata__":{"a":"1","a":"2"}}"#,
    ])
    func `text that is not an object of the format's form is refused`(text: String) {
        guard case .json = failure(makeFile(text)) else {
            Issue.record("\(text): \(String(describing: failure(makeFile(text))))")
            return
        }
    }

    @Test func `a name that stands twice is refused`() {
        let twice = makeFile(#"{"a":\#(Self.entry),"\u0061":\#(Self.entry)}"#, data: Self.data)
        #expect(failure(twice) == .tensor(name: "a", .repeatedName))
        let metadata = makeFile(#"{"__metadata__":{},"__metadata__":{}}"#)
        #expect(failure(metadata) == .tensor(name: "__metadata__", .repeatedName))
    }

    @Test func `bytes that belong to two tensors or to none are refused`() {
        func entry(_ begin: Int, _ end: Int) -> String {
            #"{"dtype":"U8","shape":[\#(end - begin)],"data_offsets":[\#(begin),\#(end)]}"#
        }
        let four: [UInt8] = [1, 2, 3, 4]
        let overlap = makeFile(#"{"b":\#(entry(1, 4)),"a":\#(entry(0, 2))}"#, data: four)
        #expect(failure(overlap) == .tensor(name: "b", .overlaps(other: "a")))
        let same = makeFile(#"{"b":\#(entry(0, 4)),"a":\#(entry(0, 2))}"#, data: four)
        #expect(failure(same) == .tensor(name: "b", .overlaps(other: "a")))
        let inside = makeFile(#"{"b":\#(entry(2, 2)),"a":\#(entry(0, 4))}"#, data: four)
        #expect(failure(inside) == .tensor(name: "b", .overlaps(other: "a")))
        let hole = makeFile(#"{"b":\#(entry(3, 4)),"a":\#(entry(0, 2))}"#, data: four)
        #expect(failure(hole) == .tensor(name: "b", .hole(byteCount: 1)))
        let tail = makeFile(#"{"b":\#(entry(2, 3)),"a":\#(entry(0, 2))}"#, data: four)
        #expect(failure(tail) == .fileSize(expected: tail.count - 1, found: tail.count))
    }

    @Test func `a shape of more than 64 dimensions is refused before it takes memory`() throws {
        func object(_ count: Int) -> String {
            let ones = Array(repeating: "1", count: count).joined(separator: ",")
            return #"{"dtype":"BF16","shape":[\#(ones)],"data_offsets":[0,2]}"#
        }
        #expect(try parse(file(object(64))).entries["a"]?.shape.count == 64)
        #expect(failure(file(object(65))) == .tensor(name: "a", .tooManyDimensions(limit: 64)))
        #expect(failure(file(object(100_000))) == .tensor(name: "a", .tooManyDimensions(limit: 64)))
    }

    @Test(arguments: 0..<8)
    func `fewer than 8 bytes are no file`(count: Int) {
        let bytes = Array(repeating: UInt8(0), count: count)
        #expect(failure(bytes) == .tooShort(expected: 8, found: count))
    }

    @Test(arguments: [100_000_001, .max, 1 << 63, UInt64(Int.max)])
    func `a header over 100 MB is refused by its length alone`(length: UInt64) {
        let bytes = withUnsafeBytes(of: length.littleEndian, Array.init) + Array("{}".utf8)
        #expect(failure(bytes) == .headerTooLong(limit: 100_000_000, found: length))
    }

    @Test(arguments: [3, 100_000_000])
    func `a header that runs past the end is refused`(length: UInt64) {
        let bytes = withUnsafeBytes(of: length.littleEndian, Array.init) + Array("{}".utf8)
        #expect(failure(bytes) == .headerCutOff(expected: 8 + Int(length), found: 10))
    }
}
