extension CLIPTokenizer {
    /// What fills the positions after the end token.
    package enum Padding: Sendable {
        /// The end token again: the first text encoder of every CLIP pipeline.
        case endOfText
        /// "!", id 0: the second text encoder of SDXL. A "!" in the text is then this token too, as in the reference.
        case exclamationMark
    }

    /// The tokenizer of the published CLIP models: 49,408 tokens, 77 positions. Needs no file.
    ///
    /// The vocabulary is built at the first call and shared by all later ones.
    package static func embedded(padding: Padding = .endOfText) throws(TokenizerError) -> CLIPTokenizer {
        let start = BytePairVocabulary.clipStart
        var added = [
            (AddedToken(content: "<|startoftext|>"), start),
            (AddedToken(content: "<|endoftext|>"), start + 1),
        ]
        var special = SpecialIDs(start: start, end: start + 1, pad: start + 1)
        if padding == .exclamationMark {
            added.append((AddedToken(content: "!"), 0))
            special.pad = 0
        }
        return CLIPTokenizer(
            try BytePairVocabulary.clip.get(), added: added, special: special, maximumLength: 77)
    }
}
