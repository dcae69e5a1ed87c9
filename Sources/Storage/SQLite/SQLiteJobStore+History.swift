internal import GRDB
package import Generation

package import struct Foundation.Date

/// What people look at, keep and forget.
extension SQLiteJobStore {
    /// Jobs forgotten in one transaction: others wait no longer than it takes.
    private static let forgottenAtOnce = 500

    package func list(_ query: JobQuery) async throws -> JobPage {
        try JobStoreRules.check(query)
        var conditions: [String] = []
        var arguments = StatementArguments()
        func ask(_ condition: String, _ values: any DatabaseValueConvertible...) {
            conditions.append(condition)
            arguments += StatementArguments(values)
        }
        if let place = try JobStoreRules.place(of: query.cursor) { ask("place < ?", place) }
        if let caller = query.caller { ask("caller = ?", caller) }
        if let model = query.model { ask("model = ?", model) }
        if !query.statuses.isEmpty {
            let names = query.statuses.map(\.rawValue).sorted()
            ask("status IN (\(names.map { "'\($0)'" }.joined(separator: ", ")))")
        }
        if let date = query.submittedBefore { ask("submitted < ?", date.stored) }
        if let date = query.submittedAfter { ask("submitted >= ?", date.stored) }
        // Spelled so that the partial index is found.
        if let isFavourite = query.isFavourite { ask(isFavourite ? "isFavourite" : "NOT isFavourite") }
        if let tag = query.tag { ask("number IN (SELECT job FROM job_tag WHERE tag = ?)", tag) }
        let searched = PromptWords.searched(query.text ?? "")
        if !searched.isEmpty {
            // Each word of a text between spaces is a phrase whose last word may go on. No word holds a quote.
            let match = searched.map { "\"\($0.words.joined(separator: " "))\" *" }.joined(separator: " AND ")
            ask("number IN (SELECT rowid FROM prompt_words WHERE prompt_words MATCH ?)", match)
        }
        let filter = conditions.isEmpty ? "1" : conditions.joined(separator: " AND ")
        // One more than asked for tells whether there is a next page.
        let chosen = "SELECT number FROM job WHERE \(filter) ORDER BY place DESC LIMIT \(query.limit + 1)"
        // Numbers first: many may be found and sorted, and few are read whole.
        let sql = "number IN (\(chosen)) ORDER BY place DESC"
        let found = try await database.read { [arguments] db in
            try JobRow.fetchAll(db, where: sql, arguments: arguments)
        }
        let page = found.prefix(query.limit)
        return JobPage(
            records: page.map { runs.complete($0) },
            cursor: found.count > page.count ? page.last.map { "\($0.place)" } : nil)
    }

    package func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord? {
        defer { finished.forget() }
        if let tags { try JobStoreRules.checkTags(tags) }
        let row = try await database.write { db -> JobRow? in
            guard let row = try JobRow.fetch(db, id: id) else { return nil }
            if let isFavourite {
                _ = try db.change(
                    "UPDATE job SET isFavourite = ? WHERE number = ?", [isFavourite, row.number])
            }
            if let tags {
                _ = try db.change("DELETE FROM job_tag WHERE job = ?", [row.number])
                for (position, tag) in tags.enumerated() {
                    _ = try db.change(
                        "INSERT INTO job_tag (job, position, tag) VALUES (?, ?, ?)",
                        [row.number, position, tag])
                }
            }
            return try JobRow.fetch(db, id: id)
        }
        return row.map { runs.complete($0) }
    }

    package func remove(_ id: JobID) async throws -> [ImageKey]? {
        defer { finished.forget() }
        return try await database.write { db in
            guard let row = try JobRow.fetch(db, id: id), row.record.status.isFinished else { return nil }
            return try db.forget([row])
        }
    }

    package func prune(_ retention: Retention, at now: Date) async throws -> [ImageKey] {
        defer { finished.forget() }
        try JobStoreRules.check(retention)
        var keys: [ImageKey] = []
        if let days = retention.days {
            let oldest = now.addingTimeInterval(-86_400 * days).stored
            keys += try await forget(where: "AND finished < ?", offset: 0, arguments: [oldest])
        }
        if let jobs = retention.jobs {
            keys += try await forget(where: "", offset: jobs, arguments: [])
        }
        return keys
    }

    /// Forgets finished jobs but favourites and the `offset` newest, some at a time.
    private func forget(where condition: String, offset: Int, arguments: StatementArguments) async throws
        -> [ImageKey]
    {
        var keys: [ImageKey] = []
        while true {
            let (count, found) = try await database.write { db -> (Int, [ImageKey]) in
                let rows = try JobRow.fetchAll(
                    db,
                    where: """
                        finished IS NOT NULL AND NOT isFavourite \(condition) \
                        ORDER BY finished DESC, place DESC LIMIT \(Self.forgottenAtOnce) OFFSET \(offset)
                        """, arguments: arguments)
                return (rows.count, try db.forget(rows))
            }
            keys += found
            guard count == Self.forgottenAtOnce else { return keys }
        }
    }
}

extension Database {
    /// Deletes finished jobs, and says what the image store holds of them.
    fileprivate func forget(_ rows: [JobRow]) throws -> [ImageKey] {
        for row in rows { _ = try change("DELETE FROM job WHERE number = ?", [row.number]) }
        return rows.flatMap(\.record.imageKeys)
    }
}
