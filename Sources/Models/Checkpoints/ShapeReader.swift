internal import SafeTensors

/// Reads sizes from the shapes of a file without configuration; what it cannot read it says by name.
struct ShapeReader {
    let archive: Archive
    /// The component's name, for errors.
    let component: String

    /// No dimension of a published model is larger; a bound keeps sums and products of sizes from overflowing.
    static let largestDimension = 1 << 24

    func has(_ key: String) -> Bool { archive[key] != nil }

    func has(_ name: LayerName) -> Bool { has(name.stored) }

    /// The shape of a tensor that must be there, with `rank` dimensions of a sensible size.
    func shape(_ key: String, rank: ClosedRange<Int>) throws(CheckpointError) -> [Int] {
        guard let shape = archive[key]?.entry.shape else {
            throw underivable("\(key) is missing")
        }
        guard rank.contains(shape.count), shape.allSatisfy({ (1...Self.largestDimension).contains($0) })
        else {
            throw underivable("\(key) has the shape \(shape)")
        }
        return shape
    }

    func shape(_ name: LayerName, rank: ClosedRange<Int>) throws(CheckpointError) -> [Int] {
        try shape(name.stored, rank: rank)
    }

    /// How many of the numbered keys 0, 1, 2, ... there are, without a gap.
    func count(_ key: (Int) -> String) -> Int {
        var count = 0
        while has(key(count)) { count += 1 }
        return count
    }

    func underivable(_ reason: String) -> CheckpointError {
        .underivable(path: archive.path, component: component, reason: reason)
    }

    /// Heads cannot be seen in shapes. SDXL and both its text encoders have 64 channels a head.
    func heads(width: Int) throws(CheckpointError) -> Int {
        guard width % 64 == 0 else {
            throw underivable(
                "an attention of \(width) channels cannot be divided into heads of 64, so their number is unknown"
            )
        }
        return width / 64
    }

    /// Neither can the groups of norm layers. Stable Diffusion has 32.
    func requireGroups(_ widths: [Int]) throws(CheckpointError) {
        guard let width = widths.first(where: { $0 % 32 != 0 }) else { return }
        throw underivable(
            "a level of \(width) channels cannot be divided into 32 norm groups, so their number is unknown")
    }
}
