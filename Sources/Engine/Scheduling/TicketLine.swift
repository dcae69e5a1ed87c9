/// Tickets in the order they were drawn.
///
/// A plain sorted array: taking one out of the middle of 100,000 moves 800 kB at most, some 20 microseconds.
struct TicketLine: Sendable {
    private var tickets: [Int] = []

    var first: Int? { tickets.first }
    var count: Int { tickets.count }
    var isEmpty: Bool { tickets.isEmpty }
    subscript(index: Int) -> Int { tickets[index] }

    /// - Parameter ticket: Larger than all that are in line.
    mutating func append(_ ticket: Int) {
        precondition(
            tickets.last.map { $0 < ticket } ?? true,
            "ticket \(ticket) comes after \(tickets.last ?? 0)")
        tickets.append(ticket)
    }

    mutating func remove(_ ticket: Int) {
        let index = rank(of: ticket)
        guard index < tickets.count, tickets[index] == ticket else { return }
        tickets.remove(at: index)
    }

    mutating func remove(_ dropped: Set<Int>) { tickets.removeAll(where: dropped.contains) }

    /// How many tickets are before this one.
    func rank(of ticket: Int) -> Int {
        var low = 0
        var high = tickets.count
        while low < high {
            let middle = (low + high) / 2
            if tickets[middle] < ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
