/// Every API that this server speaks, one line each.
enum FrontList {
    static func all(_ parts: ServerParts) -> [any Front] {
        [
            V1Front(parts: parts)
        ]
    }
}
