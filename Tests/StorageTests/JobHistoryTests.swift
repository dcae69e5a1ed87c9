import Foundation
import Generation
import Testing

@testable import Storage

/// What people look at, keep and forget, the same in every store.
@Suite struct JobHistoryTests {
    private let plenty = QueueLimits()

    @Test(arguments: JobStores.allCases)
    func `pages neither repeat nor miss a job while others arrive`(_ stores: JobStores) async throws {
        try await stores.with { store in
            for index in 0..<25 { _ = try await store.insert(job("old\(index)"), limits: plenty) }
            var query = query { $0.limit = 7 }
            var seen: [String] = []
            var pages = 0
            repeat {
                let page = try await store.list(query)
                seen += page.records.map(\.job.id.text)
                query.cursor = page.cursor
                pages += 1
                _ = try await store.insert(job("new\(pages)"), limits: plenty)
                // One that was seen goes away.
                _ = try await store.cancel(id(seen[0]), at: start)
                _ = try await store.remove(id(seen[0]))
            } while query.cursor != nil
            #expect(seen == (0..<25).reversed().map { "old\($0)" })
            #expect(pages == 4)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `the last page says that it is`(_ stores: JobStores) async throws {
        try await stores.with { store in
            #expect(try await store.list(JobQuery()) == JobPage(records: [], cursor: nil))
            for index in 0..<4 { _ = try await store.insert(job("j\(index)"), limits: plenty) }
            #expect(try await store.list(query { $0.limit = 4 }).cursor == nil)
            let first = try await store.list(query { $0.limit = 2 })
            #expect(first.records.map(\.job.id.text) == ["j3", "j2"])
            let second = try await store.list(
                query {
                    $0.limit = 2
                    $0.cursor = first.cursor
                })
            #expect(second.records.map(\.job.id.text) == ["j1", "j0"])
            #expect(second.cursor == nil)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `wrong pages are refused`(_ stores: JobStores) async throws {
        try await stores.with { store in
            for limit in [0, -1, 201] {
                let error = await #expect(throws: Failure.self) {
                    try await store.list(query { $0.limit = limit })
                }
                #expect(error?.code == .badRequest && error?.field == "limit")
            }
            for cursor in ["", "x", "-1", "0", "01", "1.5", "1 OR 1", "99999999999999999999"] {
                let error = await #expect(throws: Failure.self) {
                    try await store.list(query { $0.cursor = cursor })
                }
                #expect(error?.code == .badRequest && error?.field == "cursor")
            }
            let error = await #expect(throws: Failure.self) {
                try await store.list(query { $0.text = String(repeating: "a ", count: 251) })
            }
            #expect(error?.field == "text")
        }
    }

    @Test(arguments: JobStores.allCases)
    func `lists are filtered by every field, alone and together`(_ stores: JobStores) async throws {
        try await stores.with { store in
            _ = try await store.insert(job("queued", model: "flux", at: 1), limits: plenty)
            try await store.complete(job("done", caller: "bob", at: 2))
            try await store.complete(job("failed", at: 3), .failed(Failure(.notFinite, "no picture")))
            _ = try await store.insert(job("cancelled", model: "flux", at: 4), limits: plenty)
            _ = try await store.cancel(id("cancelled"), at: later(5))
            _ = try await store.mark(id("done"), isFavourite: true, tags: ["Best", "sea"])
            _ = try await store.mark(id("queued"), isFavourite: nil, tags: ["sea"])

            #expect(try await store.ids() == ["cancelled", "failed", "done", "queued"])
            #expect(try await store.ids(query { $0.caller = "bob" }) == ["done"])
            #expect(try await store.ids(query { $0.caller = "nobody" }) == [])
            #expect(try await store.ids(query { $0.model = "flux" }) == ["cancelled", "queued"])
            #expect(try await store.ids(query { $0.statuses = [.done, .failed] }) == ["failed", "done"])
            #expect(try await store.ids(query { $0.statuses = [.running] }) == [])
            #expect(try await store.ids(query { $0.tag = "sea" }) == ["done", "queued"])
            #expect(try await store.ids(query { $0.tag = "best" }) == [])
            #expect(try await store.ids(query { $0.isFavourite = true }) == ["done"])
            #expect(
                try await store.ids(query { $0.isFavourite = false }) == ["cancelled", "failed", "queued"])
            #expect(try await store.ids(query { $0.submittedBefore = later(2) }) == ["queued"])
            #expect(try await store.ids(query { $0.submittedAfter = later(3) }) == ["cancelled", "failed"])
            #expect(
                try await store.ids(
                    query {
                        $0.tag = "sea"
                        $0.isFavourite = false
                        $0.model = "flux"
                        $0.caller = "ann"
                        $0.statuses = [.queued]
                        $0.text = "panda"
                        $0.submittedAfter = later(1)
                        $0.submittedBefore = later(1.5)
                    }) == ["queued"])
        }
    }

    /// Prompts by name, and searches with the names that they find, newest first.
    private static let prompts = [
        ("cats", "Two Cats, playing; (masterpiece:1.2), long_hair"),
        ("chinese", "一只猫咪在睡觉，赛博朋克风格"),
        ("japanese", "桜の木の下のネコ"),
        ("korean", "고양이가 자고 있다"),
        ("russian", "РЫЖИЙ КОТ на крыше"),
        ("german", "eine Straße bei Nacht"),
        ("greek", "ΟΔΟΣ"),
        ("french", "un café crème"),
        ("emoji", "🐈‍⬛ on a 🛋️ sofa"),
        ("wide", "ＣＹＢＥＲ ｃａｔ"),
        ("thai", "แมวนอน"),
        ("quotes", "\"NEAR\" OR a* (b) 'c' -d NOT AND: x:y"),
        ("empty", ""),
    ]

    @Test(arguments: JobStores.allCases)
    func `prompts are found by their words in any language, order and letter case`(_ stores: JobStores)
        async throws
    {
        try await stores.with { store in
            for (name, prompt) in Self.prompts {
                _ = try await store.insert(job(name, prompt: prompt), limits: plenty)
            }
            for (text, names) in [
                ("cat", ["wide", "cats"]), ("CATS", ["cats"]), ("playing two", ["cats"]),
                ("two playing dogs", []),
                ("ats", []), ("masterpiece", ["cats"]), ("(masterpiece:1.2)", ["cats"]), ("1.2", ["cats"]),
                ("long_hair", ["cats"]), ("hair long", ["cats"]), ("hair_long", []),
                ("猫", ["chinese"]), ("猫咪", ["chinese"]), ("咪猫", []), ("赛博 睡觉", ["chinese"]),
                ("睡觉，赛博", ["chinese"]), ("狗", []), ("一只猫咪在睡觉", ["chinese"]),
                ("桜", ["japanese"]), ("ネコ", ["japanese"]), ("ﾈｺ", ["japanese"]), ("木の下", ["japanese"]),
                ("고양이", ["korean"]), ("양이", ["korean"]), ("이고", []),
                ("кот", ["russian"]), ("крыш рыж", ["russian"]), ("STRASSE", ["german"]),
                ("straße", ["german"]),
                ("οδός", []), ("οδος", ["greek"]), ("οδοσ", ["greek"]),
                ("café", ["french"]), ("cafe\u{301}", ["french"]), ("cafe", []), ("CAFÉ CRÈME", ["french"]),
                ("🐈", ["emoji"]), ("🛋 sofa", ["emoji"]), ("🐕", []), ("cyber", ["wide"]), ("ｃａｔｓ", ["cats"]),
                ("นอน", ["thai"]), ("แมว", ["thai"]),
                ("near", ["quotes"]), ("\"near\" or", ["quotes"]), ("x:y", ["quotes"]), ("NOT", ["quotes"]),
                ("a* OR *", ["quotes"]), ("OR", ["quotes"]), ("words:cat", []),
            ] {
                #expect(try await store.ids(query { $0.text = text }) == names, "\(text)")
            }
            // Punctuation alone asks for no word.
            #expect(try await store.ids(query { $0.text = " ,;* \" " }).count == Self.prompts.count)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a finished job keeps its words, a forgotten one none`(_ stores: JobStores) async throws {
        try await stores.with { store in
            try await store.complete(job("one", prompt: "a lighthouse"))
            try await store.complete(job("two", prompt: "the lighthouse"))
            #expect(try await store.ids(query { $0.text = "lighthouse" }) == ["two", "one"])
            _ = try await store.remove(id("two"))
            _ = try await store.insert(job("three", prompt: "a boat"), limits: plenty)
            #expect(try await store.ids(query { $0.text = "lighthouse" }) == ["one"])
        }
    }

    @Test(arguments: JobStores.allCases)
    func `favourites and tags are kept in their order`(_ stores: JobStores) async throws {
        try await stores.with { store in
            try await store.complete(job("one"))
            #expect(try await store.mark(id("none"), isFavourite: true, tags: ["x"]) == nil)
            let marked = try #require(
                try await store.mark(id("one"), isFavourite: true, tags: ["猫", "b", "a"]))
            #expect(marked.isFavourite && marked.tags == ["猫", "b", "a"])
            #expect(try await store.record(id("one")) == marked)
            #expect(try await store.mark(id("one"), isFavourite: nil, tags: nil) == marked)
            #expect(try await store.mark(id("one"), isFavourite: false, tags: ["a"])?.tags == ["a"])
            #expect(try await store.mark(id("one"), isFavourite: nil, tags: [])?.tags == [])
            #expect(try await store.ids(query { $0.tag = "a" }) == [])
            for tags in [
                ["x", "x"], [""], [String(repeating: "x", count: 101)], (0..<65).map { "\($0)" }, ["a\0"],
            ] {
                let error = await #expect(throws: Failure.self) {
                    try await store.mark(id("one"), isFavourite: nil, tags: tags)
                }
                #expect(error?.code == .badRequest)
            }
            // Tags differ by their bytes, as they were written.
            #expect(
                try await store.mark(id("one"), isFavourite: nil, tags: ["é", "e\u{301}"])?.tags.count == 2)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a finished job is forgotten with its keys, an unfinished one stays`(_ stores: JobStores)
        async throws
    {
        try await stores.with { store in
            try await store.complete(job("one"), done(id("one"), 2))
            _ = try await store.mark(id("one"), isFavourite: nil, tags: ["x"])
            _ = try await store.insert(job("two"), limits: plenty)
            #expect(try await store.remove(id("two")) == nil)
            #expect(try await store.remove(id("none")) == nil)
            #expect(
                try await store.remove(id("one"))
                    == ["one/0.png", "one/0.thumb.jpg", "one/1.png", "one/1.thumb.jpg"].map { key($0) })
            #expect(try await store.record(id("one")) == nil)
            #expect(try await store.ids(query { $0.tag = "x" }) == [])
            // Its id is free again.
            let again = try await store.insert(job("one", prompt: "another"), limits: plenty)
            #expect(again == .added(JobRecord(job: job("one", prompt: "another"), status: .queued)))
        }
    }

    @Test(arguments: JobStores.allCases)
    func `old and surplus jobs are forgotten, favourites stay, counts too`(_ stores: JobStores) async throws {
        try await stores.with { store in
            let day = 86_400.0
            for index in 0..<10 { try await store.complete(job("j\(index)"), at: Double(index) * day) }
            _ = try await store.mark(id("j0"), isFavourite: true, tags: nil)
            _ = try await store.mark(id("j9"), isFavourite: true, tags: nil)
            _ = try await store.insert(job("waits"), limits: plenty)
            #expect(try await store.prune(Retention(), at: later(100 * day)) == [])
            let old = try await store.prune(Retention(days: 7), at: later(10 * day))
            #expect(Set(old.map(\.text)) == ["j1/0.png", "j1/0.thumb.jpg", "j2/0.png", "j2/0.thumb.jpg"])
            let surplus = try await store.prune(Retention(jobs: 4), at: later(10 * day))
            #expect(Set(surplus.map(\.text)) == ["j3/0.png", "j3/0.thumb.jpg", "j4/0.png", "j4/0.thumb.jpg"])
            #expect(try await store.ids() == ["waits", "j9", "j8", "j7", "j6", "j5", "j0"])
            #expect(try await store.prune(Retention(days: 0, jobs: 0), at: later(1000 * day)).count == 8)
            #expect(try await store.ids() == ["waits", "j9", "j0"])
            let counts = try await store.counts()
            #expect(counts.done == 10 && counts.queued == 1)
            for retention in [Retention(days: -1), Retention(days: .nan), Retention(jobs: -1)] {
                await #expect(throws: Failure.self) { try await store.prune(retention, at: start) }
            }
        }
    }

    @Test func `more jobs than one transaction takes are forgotten`() async throws {
        try await JobStores.sqlite.with { store in
            for index in 0..<530 {
                _ = try await store.insert(job("j\(index)"), limits: plenty)
                _ = try await store.cancel(id("j\(index)"), at: later(Double(index)))
            }
            _ = try await store.prune(Retention(jobs: 20), at: later(2000))
            #expect(try await store.ids() == (1080..<530).reversed().map { "j\($0)" })
        }
    }
}
