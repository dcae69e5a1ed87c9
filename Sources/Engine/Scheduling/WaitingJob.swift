package import Generation

package import struct Foundation.Date

/// A queued job, as far as the order of jobs depends on it.
package struct WaitingJob: Sendable, Equatable {
    package let id: JobID
    package let caller: String
    package let model: String
    package let priority: Int
    /// How much of the device it takes: 1 is a picture of one megapixel in 30 steps.
    package let weight: Double
    package let submitted: Date
    package let deadline: Date?

    package init(
        id: JobID, caller: String, model: String, priority: Int = 0, weight: Double = 1, submitted: Date,
        deadline: Date? = nil
    ) {
        self.id = id
        self.caller = caller
        self.model = model
        self.priority = priority
        self.weight = weight
        self.submitted = submitted
        self.deadline = deadline
    }

    package init(_ job: Job) {
        self.init(
            id: job.id, caller: job.caller, model: job.model, priority: job.priority,
            weight: Self.weight(of: job.request), submitted: job.submitted, deadline: job.deadline)
    }

    /// From the request alone; what it leaves out counts as 1024x1024 pixels and 30 steps.
    private static func weight(of request: Request) -> Double {
        let megapixels = Double(request.width ?? 1024) * Double(request.height ?? 1024) / 1_048_576
        let steps = Double(request.steps ?? 30) / 30
        // A picture costs something even in one step: text encoders and decoder.
        return Double(request.count) * megapixels * max(steps, 0.1)
    }
}
