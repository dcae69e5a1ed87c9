internal import GRDB
internal import Generation

internal import struct Foundation.Data
internal import struct Foundation.Date
internal import class Foundation.JSONDecoder
internal import class Foundation.JSONEncoder

/// A job as a row of the database.
struct JobRow {
    /// Without the progress: that is not on the disk.
    var record: JobRecord
    let number: Int64
    let place: Int64
    let lease: UInt64?
    let sourceDigest: SourceDigest?

    /// What ``init(_:_:)`` reads, in its order.
    static let columns = """
        number, place, id, caller, model, front, priority, submitted, deadline, timeLimit, submission, \
        sourceDigest, status, attempts, started, finished, lease, cancelRequested, outcome, isFavourite, \
        (SELECT json_group_array(tag) FROM (SELECT tag FROM job_tag WHERE job = number ORDER BY position))
        """

    static func fetch(_ db: Database, id: JobID) throws -> JobRow? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM job WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).map { try JobRow(db, $0) }
    }

    static func fetchAll(_ db: Database, where condition: String, arguments: StatementArguments) throws
        -> [JobRow]
    {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM job WHERE \(condition)")
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        return try Array(rows.map { try JobRow(db, $0) })
    }

    private init(_ db: Database, _ row: Row) throws {
        number = row[0]
        place = row[1]
        let name: String = row[2]
        guard let id = JobID(name), let status = JobStatus(rawValue: row[12]) else {
            throw Failure(.cannotRun, "the job database holds a job '\(name)' that no version of Gesso wrote")
        }
        let submission: Submission
        do {
            submission = try StoredJSON.decode(row[10], defaults: Submission.defaults, db)
            var job = Job(
                id: id, caller: row[3], model: row[4], request: submission.request, output: submission.output,
                submitted: Date(timeIntervalSinceReferenceDate: row[7]), front: row[5])
            job.priority = row[6]
            job.deadline = Self.date(row[8])
            job.timeLimit = row[9]
            job.details = submission.details
            record = JobRecord(job: job, status: status)
            record.outcome = try Self.outcome(status, row[18], db)
            let tags: String = row[20]
            if tags != "[]" {
                record.tags = try StoredJSON.decoder.decode([String].self, from: Data(tags.utf8))
            }
        } catch let error as DecodingError {
            throw Failure(.cannotRun, "the job \(id) cannot be read from the job database: \(error)")
        }
        record.attempts = row[13]
        record.started = Self.date(row[14])
        record.finished = Self.date(row[15])
        record.isCancelling = row[17] != nil
        record.isFavourite = row[19]
        lease = (row[16] as Int64?).map { UInt64(bitPattern: $0) }
        sourceDigest = (row[11] as String?).map { SourceDigest(text: $0) }
    }

    private static func date(_ seconds: Double?) -> Date? {
        seconds.map { Date(timeIntervalSinceReferenceDate: $0) }
    }

    private static func outcome(_ status: JobStatus, _ text: String?, _ db: Database) throws -> JobOutcome? {
        if status == .cancelled { return .cancelled }
        guard let text else { return nil }
        return try StoredJSON.decode(text, defaults: StoredOutcome.defaults, db).outcome
    }
}

/// What was submitted, as it stands in its column.
struct Submission: Codable {
    var request: Request
    var output: OutputOptions
    var details: [String: String]

    init(_ job: Job) {
        request = job.request
        output = job.output
        details = job.details
    }

    private init() {
        request = Request(prompt: "")
        output = OutputOptions()
        details = [:]
    }

    static let defaults = StoredJSON.Defaults(Submission())
}

/// What came of a job, as it stands in its column.
struct StoredOutcome: Codable {
    private struct StoredFailure: Codable {
        let code: String
        let message: String
        let field: String?
    }

    private var pictures: [StoredPicture] = []
    private var notes: [String] = []
    private var seconds: [String: Double] = [:]
    private var failure: StoredFailure?

    /// nil where there is nothing to say.
    init?(_ outcome: JobOutcome) {
        switch outcome {
        case .cancelled: return nil
        case .failed(let failure):
            self.failure = StoredFailure(
                code: failure.code.rawValue, message: failure.message, field: failure.field)
        case .done(let pictures, let notes, let seconds):
            self.pictures = pictures
            self.notes = notes
            self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
        }
    }

    private init() {}

    static let defaults = StoredJSON.Defaults(StoredOutcome())

    var outcome: JobOutcome {
        guard let failure else {
            let stages = seconds.compactMap { name, value in
                Progress.Stage(rawValue: name).map { ($0, value) }
            }
            return .done(pictures, notes: notes, seconds: Dictionary(uniqueKeysWithValues: stages))
        }
        // A code that a later version gave is kept by its sentence.
        let code = Failure.Code(rawValue: failure.code) ?? .cannotRun
        return .failed(Failure(code, failure.message, field: failure.field))
    }
}

/// JSON in a column: what an older version did not write gets its default, what a later one wrote is passed over.
enum StoredJSON {
    /// A value whose every field has what it has when nobody says otherwise.
    struct Defaults<Value: Codable>: Sendable {
        fileprivate let text: String

        fileprivate init(_ value: Value) {
            do {
                text = try StoredJSON.encode(value)
            } catch {
                preconditionFailure("the defaults of \(Value.self) are no JSON: \(error)")
            }
        }
    }

    static let decoder = JSONDecoder()

    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch let EncodingError.invalidValue(_, context) {
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw Failure.badRequest(field, "\(field) is no number")
        }
    }

    static func decode<Value: Codable>(_ text: String, defaults: Defaults<Value>, _ db: Database) throws
        -> Value
    {
        do {
            return try decoder.decode(Value.self, from: Data(text.utf8))
        } catch DecodingError.keyNotFound {
            // SQLite lays one over the other, numbers untouched.
            let statement = try db.cachedStatement(sql: "SELECT json_patch(?, ?)")
            let whole = try String.fetchOne(statement, arguments: [defaults.text, text]) ?? text
            return try decoder.decode(Value.self, from: Data(whole.utf8))
        }
    }
}
