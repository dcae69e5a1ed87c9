"""Makes Sources/Tokenizers/Unigram/GraphemeTable.swift: how each code point takes part in grapheme clusters.

usage: grapheme_clusters.py

`tokenizers` looks a whole cluster up before it normalises a text (its "Precompiled" normalizer), so the ids depend on
where clusters end. Which version of Unicode says so must not depend on the system's libraries: the table is read out of
the `tokenizers` library (0.23.3), by asking it about every code point with a character map of four rules. The rules tell
clusters apart because a cluster of less than six bytes is replaced as a whole, and a longer one mark by mark.
Hangul's jamos and syllables and the regional indicators have ranges of their own, which Unicode keeps stable.
"""

import pathlib
import tempfile

import sentencepiece
import tokenizers
from tokenizers import normalizers
from transformers.convert_slow_tokenizer import import_protobuf

TARGET = pathlib.Path(__file__).resolve().parents[2] / "Sources/Tokenizers/Unigram/GraphemeTable.swift"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
GRAVE, ACUTE, JOINER, COPYRIGHT, KA, VIRAMA = "\u0300", "\u0301", "\u200d", "\u00a9", "\u0915", "\u094d"
RULES = {"a": "X", COPYRIGHT: "Z", KA: "K", GRAVE: "Y"}
# The classes, as GraphemeClusters.swift has them.
CONTROL, EXTEND, SPACING, PREPEND, PICTURE, CONSONANT, LINKER, UNLINKED = range(1, 9)


def character_map(rules):
    """A compiled character map, as sentencepiece writes it into a model."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines = [f"{ord(source):X}\t{ord(target):X}" for source, target in rules.items()]
        (folder / "rules.tsv").write_text("\n".join(lines) + "\n")
        (folder / "text.txt").write_text("\n".join(f"some words {index}" for index in range(500)))
        sentencepiece.SentencePieceTrainer.train(
            input=folder / "text.txt", model_prefix=folder / "rules", vocab_size=25, hard_vocab_limit=False,
            normalization_rule_tsv=folder / "rules.tsv", minloglevel=2)
        model = import_protobuf().ModelProto()
        model.ParseFromString((folder / "rules.model").read_bytes())
        return model.normalizer_spec.precompiled_charsmap


def matching(normalize, before, after, expected):
    """The code points c for which `before + c + after` is normalised to `expected` with c in the place of "?"."""
    found = set()
    for point in POINTS:
        character = chr(point)
        replaced = RULES.get(character, character)
        if normalize(before + character + after) == expected.replace("?", replaced):
            found.add(point)
    return found


def main():
    normalize = normalizers.Precompiled(character_map(RULES)).normalize_str
    # The joiner has rules of its own, and is known by its code point.
    attached = matching(normalize, "a", "", "X") - {ord("a"), ord(JOINER)}
    prepended = matching(normalize, "", "a" + GRAVE, "?XY") - attached
    controls = matching(normalize, "", GRAVE + ACUTE, "?Y")
    pictures = matching(normalize, "", JOINER + COPYRIGHT + GRAVE, "?" + JOINER + "ZY") - attached - prepended
    chained = {point for point in attached if normalize(COPYRIGHT + chr(point) + JOINER + COPYRIGHT + GRAVE).endswith("ZY")}
    consonants = {
        point for point in POINTS
        if point not in attached and normalize(chr(point) + VIRAMA + KA + GRAVE).endswith("KY")
    }
    linkers = {point for point in attached if normalize(KA + chr(point) + KA + GRAVE).endswith("KY")}
    # What breaks a chain of consonant, virama, consonant although it attaches; letters that attach nowhere do so too.
    unlinked = {point for point in attached if not normalize(KA + chr(point) + VIRAMA + KA + GRAVE).endswith("KY")}

    classes = {}
    for point in attached:
        classes[point] = EXTEND if point in chained else SPACING
        if point in unlinked and point in chained:
            classes[point] = UNLINKED
        if point in linkers:
            assert point in chained
            classes[point] = LINKER
        assert point in unlinked or point in chained, hex(point)
    for points, name in [(prepended, PREPEND), (controls, CONTROL), (pictures, PICTURE), (consonants, CONSONANT)]:
        for point in points:
            assert classes.setdefault(point, name) == name, (hex(point), classes[point], name)

    changes, last = [], 0
    for point in range(0x110000):
        name = classes.get(point, 0)
        if name != last and not 0xD800 <= point <= 0xDFFF:
            changes.append(point << 8 | name)
            last = name
    rows = [", ".join(f"0x{value:X}" for value in changes[index:index + 8]) for index in range(0, len(changes), 8)]
    TARGET.write_text(
        "// Made by Scripts/embed/grapheme_clusters.py from tokenizers " + tokenizers.__version__ + ".\n\n"
        "/// How code points take part in grapheme clusters: where a run of one class starts, and its class.\n"
        "enum GraphemeTable {\n"
        "    /// Code point << 8 | raw value of `GraphemeClusters.Kind`, in the order of code points.\n"
        "    static let changes: [UInt32] = [\n" + "".join(f"        {row},\n" for row in rows) + "    ]\n}\n")
    counts = {name: sum(1 for value in classes.values() if value == name) for name in range(1, 9)}
    print(len(changes), "runs", counts)


if __name__ == "__main__":
    main()
