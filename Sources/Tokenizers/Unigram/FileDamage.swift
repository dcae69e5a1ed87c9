/// What is wrong with the bytes of a file; whoever knows the file adds its path (`TokenizerError.malformed`).
struct FileDamage: Error {
    /// One clause, as it follows "is damaged: ".
    var reason: String
}
