internal import Generation

/// Workers that examine requests and never paint: opened files of the models last asked about.
struct Examiners: Sendable {
    private var workers: [(model: ModelDescription, worker: any Worker)] = []
    private let limit = 8

    /// Asking makes it the last one to be forgotten.
    subscript(_ model: ModelDescription) -> (any Worker)? {
        mutating get {
            guard let index = workers.firstIndex(where: { $0.model == model }) else { return nil }
            let found = workers.remove(at: index)
            workers.append(found)
            return found.worker
        }
        set {
            workers.removeAll { $0.model == model }
            guard let newValue else { return }
            if workers.count == limit { workers.removeFirst() }
            workers.append((model, newValue))
        }
    }

    /// Forgets all others.
    mutating func keep(_ models: [ModelDescription]) { workers.removeAll { !models.contains($0.model) } }
}
