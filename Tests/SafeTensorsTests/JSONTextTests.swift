import SafeTensors
import Testing

/// Strings and nesting: the parts of JSON where parsers go wrong. Tested through headers and indexes.
struct JSONTextTests {
    /// The tensor name that a header with this text between the quotes gives.
    private func name(_ text: [UInt8]) throws(SafeTensorsError) -> String? {
        let entry = #"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        return try parse(makeFile(Array("{\"".utf8) + text + Array(entry.utf8))).entries.keys.first
    }

    private func name(_ text: String) throws(SafeTensorsError) -> String? {
        try name(Array(text.utf8))
    }

    @Test(arguments: [
        (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#"\u0041\u00e9\u00E9\u70b9"#, "Aéé点"),
        (#"\ud83d\ude00"#, "😀"), (#"x\uD83D\uDE00y"#, "x😀y"), (#"\udbff\udfff"#, "\u{10FFFF}"),
        (#"\u0000"#, "\0"), ("größe.点.😀", "größe.点.😀"), ("é\\n点", "é\n点"),
        ("", ""), ("\u{7F}", "\u{7F}"),
    ])
    func `escapes and UTF-8 are read`(text: String, expected: String) throws {
        #expect(try Array(name(text)?.unicodeScalars ?? "?".unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test(arguments: [
        #"\x"#, #"\u"#, #"\u12"#, #"\u12G4"#, #"\u+123"#, #"\ud83d"#, #"\ud83dx"#, #"\ud83d\n"#,
        #"\ud83d\u0041"#,
        #"\ud83d\ud83d"#, #"\ude00"#, #"\ude00\ud83d"#, "a\nb", "a\u{0}b", "\u{1F}", "\\n\u{1F}", #"\"#,
    ])
    func `bad escapes, lone surrogates and control characters are refused`(text: String) {
        #expect(throws: SafeTensorsError.self) { try name(text) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC3], [0xC3, 0x28], [0x80], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0x61, 0xFF, 0x62],
        ] as [[UInt8]])
    func `text that is not UTF-8 is refused, with and without escapes`(bytes: [UInt8]) {
        for text in [bytes, Array("\\n".utf8) + bytes, bytes + Array("\\n".utf8)] {
            let error = #expect(throws: SafeTensorsError.self) { try name(text) }
            guard case .json(_, "UTF-8 text", _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func `a message quotes names on one line of bounded length`() {
        let long = "a\nb\u{1B}" + String(repeating: "x", count: 100_000)
        let error = SafeTensorsError.inFile(path: "/x", .tensor(name: long, .unknownElementType("Q\"7")))
        let message = "\(error)"
        #expect(message.hasPrefix(#"/x: tensor "a\nb\u{1B}xxx"#))
        #expect(message.hasSuffix(#"... has the unknown type "Q\"7""#))
        #expect(message.utf8.count < 300)
    }

    @Test(arguments: ["[", #"{"a":"#, #"[{"a":"#, "[[],"])
    func `a million levels of nesting cost an error and not the stack`(opening: String) {
        let deep = Array("{\"x\":".utf8) + Array(String(repeating: opening, count: 1_000_000).utf8)
        #expect(throws: SafeTensorsError.self) { try ShardIndex(parsing: deep.span.bytes) }
        #expect(failure(makeFile(deep)) != nil)
    }

    @Test(arguments: [
        "0", "-0", "-12.5e+10", "1E5", "true", "false", "null", "[]", "{}", "[[],{},[{}]]",
        #"{"a":{"b":[1,"x",null]}}"#,
        #""\u00e9""#, " [ 1 , 2 ] ", String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
    ])
    func `an index may hold any other value`(value: String) throws {
        let text = Array(#"{"metadata":\#(value),"weight_map":{},"more":\#(value)}"#.utf8)
        #expect(try ShardIndex(parsing: text.span.bytes).weightMap.isEmpty)
    }

    @Test(arguments: [
        "", "01", "-", "+1", ".5", "1.", "1e", "1e+", "--1", "tru", "True", "nulL", "NaN", "[1,]", "[,]",
        "[1 2]", "{1:2}",
        #"{"a"}"#, #"{"a":1,}"#, "]", "}", "[}", "{]", #""x"#, "'x'", "1 2",
        String(repeating: "[", count: 66) + String(repeating: "]", count: 66),
    ])
    func `an index with a value that is not JSON is refused`(value: String) {
        let text = Array(#"{"metadata":\#(value),"weight_map":{}}"#.utf8)
        let error = #expect(throws: SafeTensorsError.self) { try ShardIndex(parsing: text.span.bytes) }
        guard case .json = error else {
            Issue.record("\(value): \(String(describing: error))")
            return
        }
    }
}
