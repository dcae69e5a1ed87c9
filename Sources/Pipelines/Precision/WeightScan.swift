internal import Foundation
internal import Layers
internal import Planning
internal import SafeTensors
internal import Synchronization

/// Reads tensors once, from the files' first byte to the last, and says how large their numbers are and whether all of
/// them are numbers: with as many tasks as the machine has cores, each a piece at a time, and nothing kept resident.
struct WeightScan: Sendable {
    /// Why a tensor is read.
    enum Interest: Sendable, Hashable {
        /// A layer asks for it.
        case used(Stage, isNarrow: Bool)
        /// No layer does.
        case dead(Stage)
    }

    /// A part of a tensor that one task reads in a few hundredths of a second.
    private struct Piece: Sendable {
        let key: String
        let interest: Interest
        let source: TensorSource
        let range: Range<Int>
    }

    /// What a piece came to.
    private struct Found: Sendable {
        let key: String
        let interest: Interest
        let largest: Double
        let isFinite: Bool
    }

    /// What the tasks share: the next piece to read, and how many bytes are read.
    private final class Work: Sendable {
        let next = Atomic(0)
        let done = Atomic(0)
    }

    private let pieces: [Piece]

    /// - Parameters:
    ///   - tensors: What to read, each by its key.
    ///   - pieceBytes: The most that is read at once: a multiple of 8, which every element's size divides.
    init(
        _ tensors: [(key: String, interest: Interest, source: TensorSource)], pieceBytes: Int = 32 << 20
    ) {
        let all = tensors.flatMap { key, interest, source in
            let bytes = source.byteRange
            return stride(from: bytes.lowerBound, to: bytes.upperBound, by: pieceBytes).map { start in
                Piece(
                    key: key, interest: interest, source: source,
                    range: start..<min(start + pieceBytes, bytes.upperBound))
            }
        }
        // Disks are fastest from the beginning to the end.
        pieces = all.sorted {
            ($0.source.stored.mapping.path, $0.range.lowerBound)
                < ($1.source.stored.mapping.path, $1.range.lowerBound)
        }
    }

    /// Bytes that are read.
    var byteCount: Int { pieces.reduce(0) { $0 + $1.range.count } }

    /// Reads everything.
    /// - Parameter progress: Called on any thread with bytes that are read, and all of them.
    /// - Returns: What was found in the stages that were asked for.
    /// - Throws: `CancellationError`.
    @concurrent func run(
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> (weights: [Stage: ModelKnowledge.Weights], dead: [Stage: [String]]) {
        let total = byteCount
        let work = Work()
        let width = min(max(1, ProcessInfo.processInfo.activeProcessorCount), 8)
        return try await withThrowingTaskGroup(of: [Found].self) { group in
            for _ in 0..<width {
                group.addTask {
                    var found: [Found] = []
                    while true {
                        let index = work.next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < pieces.count else { return found }
                        try Task.checkCancellation()
                        if index + width < pieces.count {
                            let later = pieces[index + width]
                            later.source.stored.mapping.willNeed(later.range)
                        }
                        found += Self.read(pieces[index]).map { [$0] } ?? []
                        let bytes = pieces[index].range.count
                        let read = work.done.wrappingAdd(bytes, ordering: .relaxed).newValue
                        progress(read, total)
                    }
                }
            }
            var all: [Found] = []
            for try await found in group { all += found }
            return Self.summary(all)
        }
    }

    /// - Returns: nil for a tensor that holds no floating-point numbers.
    private static func read(_ piece: Piece) -> Found? {
        let mapping = piece.source.stored.mapping
        // A file of any size is read in the memory of a few pieces; the system keeps its pages as long as it has room.
        defer { mapping.drop(piece.range) }
        let magnitude = mapping.withBytes { bytes in
            Magnitude(bytes.extracting(piece.range), piece.source.stored.entry.elementType)
        }
        return magnitude.map { magnitude in
            Found(
                key: piece.key, interest: piece.interest,
                largest: magnitude.largest * (piece.source.scale ?? 1).magnitude,
                isFinite: magnitude.isFinite)
        }
    }

    private static func summary(
        _ all: [Found]
    ) -> (weights: [Stage: ModelKnowledge.Weights], dead: [Stage: [String]]) {
        var weights: [Stage: ModelKnowledge.Weights] = [:]
        var dead: [Stage: Set<String>] = [:]
        var broken: [Stage: Set<String>] = [:]
        for found in all {
            switch found.interest {
            case .dead(let stage):
                if !found.isFinite { dead[stage, default: []].insert(found.key) }
            case .used(let stage, _) where !found.isFinite:
                broken[stage, default: []].insert(found.key)
            case .used(let stage, isNarrow: true):
                var known = weights[stage] ?? ModelKnowledge.Weights()
                // By name among equals, so that two runs say the same.
                if found.largest > known.largest
                    || found.largest == known.largest && found.key < known.largestKey ?? found.key
                {
                    known.largest = found.largest
                    known.largestKey = found.key
                }
                weights[stage] = known
            case .used(let stage, isNarrow: false): weights[stage] = weights[stage] ?? .init()
            }
        }
        for (stage, keys) in broken { weights[stage, default: .init()].nonFinite = keys.sorted() }
        return (weights, dead.mapValues { $0.sorted() })
    }
}
