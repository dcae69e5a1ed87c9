import Foundation
import Testing

@testable import Server

@Suite struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    @Test func `values are read as they stand`() throws {
        let value = try parse(#" {"a": [1, -2.5e3, "x\u00e9\n\ud83d\ude00", true, false, null], "b": {}} "#)
        let expected: JSONValue = .object([
            ("a", .array([1, .number(JSONNumber(text: "-2.5e3")), "xé\n😀", true, false, .null])),
            ("b", .object([])),
        ])
        #expect(value == expected)
    }

    @Test(arguments: [
        "", " ", "{", "[", "{]", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "{'a':1}", "01", "-", "1.", ".5",
        "1e", "+1",
        "NaN", "Infinity", "-Infinity", "nul", "truex", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"", "\"\\u0000\"", "\"a\u{1}\"", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "1 2", "[1] x",
        "// c\n1", "/**/1",
        "\u{FEFF}1", "0x10", "1_000", "\"\\u{41}\"", "[1 2]", "{\"a\":}", "{:1}", "tru",
    ])
    func `what is no JSON is refused`(_ text: String) {
        #expect(throws: Rejection.self) { try parse(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22],
        ] {
            #expect(throws: Rejection.self) { try JSONParser.parse(bytes) }
        }
    }

    @Test func `nesting is bounded`() throws {
        let deepest =
            String(repeating: "[", count: JSONParser.depth) + String(repeating: "]", count: JSONParser.depth)
        _ = try parse(deepest)
        #expect(throws: Rejection.self) { try parse("[" + deepest + "]") }
        #expect(throws: Rejection.self) { try parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: Rejection.self) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test func `whole numbers are exact up to 64 bits`() throws {
        guard case .number(let largest) = try parse("18446744073709551615") else {
            return #expect(Bool(false))
        }
        #expect(largest.unsigned == UInt64.max)
        guard case .number(let whole) = try parse("3.0e1") else { return #expect(Bool(false)) }
        #expect(whole.int == 30)
        for text in ["1.5", "1e300", "18446744073709551616", "1e400", "-0.1"] {
            guard case .number(let number) = try parse(text) else { return #expect(Bool(false)) }
            #expect(number.int == nil, "\(text)")
        }
        guard case .number(let huge) = try parse("1e400") else { return #expect(Bool(false)) }
        #expect(huge.double == nil)
    }

    @Test func `every truncation and every changed byte is read or refused`() throws {
        let text = Array(
            #"{"prompt":"caf\u00e9 \ud83d\ude00 é","n":[-1.5e+3,0],"t":true,"x":null,"o":{"a":{}}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: Rejection.self) { try JSONParser.parse(Array(text[..<length])) }
        }
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                do throws(Rejection) { _ = try JSONParser.parse(changed) } catch {
                    #expect(error.code == "bad_json")
                }
            }
        }
    }

    @Test func `what is written is read back`() throws {
        let value: JSONValue = ["a": ["x\"\\\n\u{1}\u{1F600}", 1, 2.5, true, .null], "b": [:]]
        #expect(try parse(value.text) == value)
    }

    @Test func `a long text takes time in proportion`() throws {
        func seconds(_ count: Int) throws -> Double {
            let text = Array(("\"" + String(repeating: "\\n", count: count) + "\"").utf8)
            let start = ContinuousClock.now
            _ = try JSONParser.parse(text)
            return (ContinuousClock.now - start) / .seconds(1)
        }
        _ = try seconds(1000)
        let (small, large) = (try seconds(20_000), try seconds(200_000))
        // Ten times the text; a hundred times the time would be quadratic.
        #expect(large < small * 40 + 0.5)
    }
}
