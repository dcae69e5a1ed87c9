internal import Generation

internal import struct Foundation.Date

/// What every job store refuses, in the same words.
enum JobStoreRules {
    static let pageLimits = 1...200
    /// Unicode scalars.
    static let longestSearch = 500
    static let mostTags = 64
    /// Unicode scalars.
    static let longestTag = 100

    /// - Throws: `conflict`.
    static func conflict(_ id: JobID) -> Failure {
        Failure(
            .conflict,
            "the id \(id) already stands for another request: repeat that one, or choose another id",
            field: "id")
    }

    /// Whether one more job may wait.
    /// - Throws: `queue_full`.
    static func checkQueue(waiting: Int, waitingOfCaller: Int, _ limits: QueueLimits) throws(Failure) {
        guard waiting < limits.total else {
            throw Failure(
                .queueFull, "\(waiting) jobs wait, and at most \(limits.total) may: try again later")
        }
        guard waitingOfCaller < limits.perCaller else {
            throw Failure(
                .queueFull,
                "\(waitingOfCaller) jobs of yours wait, and at most \(limits.perCaller) may: try again later")
        }
    }

    static func check(_ job: Job) throws(Failure) {
        guard Job.priorities.contains(job.priority) else {
            throw .badRequest(
                "priority",
                "priority is \(job.priority), it must be from \(Job.priorities.lowerBound) to "
                    + "\(Job.priorities.upperBound)")
        }
        for (name, text) in [("caller", job.caller), ("model", job.model), ("front", job.front)] {
            try checkText(name, text)
        }
    }

    static func check(_ query: JobQuery) throws(Failure) {
        for (name, text) in [("caller", query.caller), ("model", query.model), ("tag", query.tag)] {
            if let text { try checkText(name, text) }
        }
        if let text = query.text {
            let count = text.unicodeScalars.count
            guard count <= longestSearch else {
                throw .badRequest(
                    "text", "the searched text has \(count) characters, at most \(longestSearch) are accepted"
                )
            }
        }
        guard pageLimits.contains(query.limit) else {
            throw .badRequest(
                "limit",
                "limit is \(query.limit), it must be from \(pageLimits.lowerBound) to \(pageLimits.upperBound)"
            )
        }
    }

    /// The place that a page begins below; nil for the first page.
    static func place(of cursor: String?) throws(Failure) -> Int64? {
        guard let cursor else { return nil }
        guard let place = Int64(cursor), place > 0, String(place) == cursor else {
            throw .badRequest("cursor", "'\(cursor.prefix(40))' is no cursor of an earlier page")
        }
        return place
    }

    static func checkTags(_ tags: [String]) throws(Failure) {
        guard tags.count <= mostTags else {
            throw .badRequest("tags", "there are \(tags.count) tags, at most \(mostTags) are kept")
        }
        for tag in tags where !(1...longestTag).contains(tag.unicodeScalars.count) {
            throw .badRequest(
                "tags",
                "a tag has \(tag.unicodeScalars.count) characters, it must have from 1 to \(longestTag)")
        }
        for tag in tags { try checkText("tag", tag) }
        // By bytes: that is how tags are compared.
        guard Set(tags.map { Array($0.utf8) }).count == tags.count else {
            throw .badRequest("tags", "a tag is given twice")
        }
    }

    /// No store keeps a zero character whole.
    private static func checkText(_ field: String, _ text: String) throws(Failure) {
        guard !text.utf8.contains(0) else {
            throw .badRequest(field, "the \(field) holds a zero character")
        }
    }

    static func check(_ retention: Retention) throws(Failure) {
        // Written so that NaN is refused.
        if let days = retention.days, !(days >= 0) {
            throw .badRequest("retention", "jobs are kept for \(days) days, it must be 0 or more")
        }
        if let jobs = retention.jobs, jobs < 0 {
            throw .badRequest("retention", "\(jobs) finished jobs are kept, it must be 0 or more")
        }
    }

    static func expired() -> Failure {
        Failure(.expired, "the job's deadline passed while it waited")
    }

    static func interrupted(attempts: Int) -> Failure {
        Failure(
            .interrupted,
            "the program ended while the job ran, at attempt \(attempts): it is not begun again by itself")
    }
}

extension JobOutcome {
    var status: JobStatus {
        switch self {
        case .done: .done
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}

extension JobRecord {
    /// Everything that the image store holds of it.
    var imageKeys: [ImageKey] {
        pictures.flatMap { picture in [picture.key] + (picture.thumbnail.map { [$0] } ?? []) }
    }
}

extension Job {
    /// Submitted anew: as much time to its deadline as it had at first.
    mutating func submitAgain(at now: Date) {
        if let deadline { self.deadline = now.addingTimeInterval(deadline.timeIntervalSince(submitted)) }
        submitted = now
    }
}
