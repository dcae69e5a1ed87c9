/// Where a text encoder's vocabulary is found.
package enum TokenizerLocation: Sendable, Equatable {
    /// The vocabulary of CLIP that is built in.
    case embedded
    /// A folder with `vocab.json` and `merges.txt`, or `tokenizer.json`.
    case folder(String)
}
