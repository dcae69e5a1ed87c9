import Engine
import Foundation
import Generation
import Testing

struct EngineSettingsTests {
    @Test func `a configuration says what it wants to change`() throws {
        let settings = try JSONDecoder().decode(
            EngineSettings.self,
            from: Data(#"{"memoryBudget": 5, "patience": 3, "idleUnloadSeconds": 60}"#.utf8))
        var expected = EngineSettings(memoryBudget: 5)
        expected.patience = 3
        expected.idleUnloadSeconds = 60
        #expect(settings == expected)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(EngineSettings.self, from: Data("{}".utf8))
        }
    }

    @Test func `every setting survives writing and reading`() throws {
        // Every figure is another than the usual one.
        let text = String(decoding: try JSONEncoder().encode(EngineSettings(memoryBudget: 9)), as: UTF8.self)
        let fields = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        var changed = fields
        for (name, value) in fields {
            switch value {
            case let number as NSNumber where name != "preloads": changed[name] = number.intValue + 3
            case is NSNumber: changed[name] = false
            default: continue
            }
        }
        changed["retention"] = ["days": 3]
        for name in ["idleUnloadSeconds", "warmUpWidth", "warmUpHeight"] { changed[name] = 512 }
        let first = try JSONDecoder().decode(
            EngineSettings.self, from: JSONSerialization.data(withJSONObject: changed))
        let written = try JSONSerialization.jsonObject(with: JSONEncoder().encode(first))
        #expect((written as? NSDictionary) == changed as NSDictionary)
        #expect(try JSONDecoder().decode(EngineSettings.self, from: JSONEncoder().encode(first)) == first)
    }

    @Test func `figures that cannot be worked with are refused by name`() throws {
        let usual = EngineSettings(memoryBudget: 1)
        try usual.validate()
        let changes: [(String, @Sendable (inout EngineSettings) -> Void)] = [
            ("memoryBudget", { $0.memoryBudget = 0 }), ("queueLimit", { $0.queueLimit = 0 }),
            ("attempts", { $0.attempts = 0 }), ("deliveryTries", { $0.deliveryTries = 0 }),
            ("rememberedEvents", { $0.rememberedEvents = 0 }), ("patience", { $0.patience = -1 }),
            ("jobTimeLimit", { $0.jobTimeLimit = .nan }), ("beatSeconds", { $0.beatSeconds = 0 }),
            ("idleUnloadSeconds", { $0.idleUnloadSeconds = 0 }), ("graceSeconds", { $0.graceSeconds = -1 }),
        ]
        for (name, change) in changes {
            var settings = usual
            change(&settings)
            let failure = #expect(throws: Failure.self) { try settings.validate() }
            #expect(failure?.field == name)
        }
    }
}
