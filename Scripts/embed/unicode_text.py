"""Makes Sources/Resources/Text/unicode.bin: what CLIP's text cleaning needs to know about each code point.

usage: unicode_text.py

A prompt must give the same ids whatever Unicode version the system's libraries have, so the tables describe one fixed
reference: they are read out of the `tokenizers` library (0.23.3) by asking it about every code point, and the result is
checked against it on random strings before it is written. Layout, all little-endian:

    u32 x 8      magic "GUNI", blocks, lowers, decompositions, decomposed scalars, compositions, 0, 0
    u16 x 8704   block of each run of 128 code points
    u16 x 128 each block, a property of each code point: bits 0-1 class (0 other, 1 letter, 2 number, 3 white space),
                 2 word character, 3 has a lower case, 4 decomposes, 5 can join the scalar before it,
                 8-15 canonical combining class
    u32 x 3      lower case: code point, first scalar, second scalar or 0
    u32 x 2      decomposition: code point, offset * 256 + count
    u32          decomposed scalars
    u32 x 3      composition: first, second, composed
"""

import pathlib
import random
import struct
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers

TARGET = pathlib.Path(__file__).resolve().parents[2] / "Sources/Resources/Text/unicode.bin"
POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
NFC, NFD, LOWER = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str
HANGUL = range(0xAC00, 0xD7A4)


def matching(pattern):
    """The code points that the reference's regular expression engine finds with `pattern`."""
    remove = normalizers.Replace(Regex(pattern), "").normalize_str
    found = set()
    for start in range(0, len(POINTS), 2000):
        text = "".join(map(chr, POINTS[start : start + 2000]))
        found |= set(map(ord, text)) - set(map(ord, remove(text)))
    return found


def word_characters():
    """The code points that stop a `single_word` token which stands right before them."""
    tokenizer = Tokenizer(models.BPE(vocab={"<unk>": 0}, merges=[], unk_token="<unk>"))
    tokenizer.add_tokens([AddedToken("@@", single_word=True, normalized=False)])
    marker = tokenizer.token_to_id("@@")
    return {point for point in POINTS if marker not in tokenizer.encode("@@" + chr(point)).ids}


def combining_classes():
    """Canonical combining classes, found by whether NFD sorts a code point past a mark of a known class.

    A code point that decomposes gets none: only its parts are ever sorted.
    """
    highest, lowest = "\u0345", "\u0334"
    marks = [
        point
        for point in POINTS
        if NFD(chr(point)) == chr(point)
        and (NFD(highest + chr(point)) != highest + chr(point) or NFD(chr(point) + lowest) != chr(point) + lowest)
    ] + [ord(lowest), ord(highest)]
    known = {}
    for point in marks:
        known.setdefault(unicodedata.combining(chr(point)), chr(point))
    known.pop(0, None)
    result = {}
    for point in set(marks):
        text = chr(point)
        above = [value for value, mark in known.items() if NFD(mark + text) != mark + text]
        below = [value for value, mark in known.items() if NFD(text + mark) != text + mark]
        (result[point],) = set(known) - set(above) - set(below)
    return result


def compose_text(text, tables):
    """NFC from the tables, the way the engine does it: the check that the tables are complete."""
    combining, decompositions, compositions = tables
    scalars = []
    for character in text:
        point = ord(character)
        if point in HANGUL:
            index = point - 0xAC00
            parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
            parts += [0x11A7 + index % 28] if index % 28 else []
        else:
            parts = decompositions.get(point, [point])
        scalars += parts
    start = 0
    while start < len(scalars):
        end = start + 1
        if combining.get(scalars[start], 0):
            while end < len(scalars) and combining.get(scalars[end], 0):
                end += 1
            scalars[start:end] = sorted(scalars[start:end], key=lambda point: combining[point])
        start = end
    output, starter, last = [], None, 0
    for point in scalars:
        value = combining.get(point, 0)
        composed = None
        if starter is not None and (last == 0 and starter == len(output) - 1 or last != 0 and last < value):
            first = output[starter]
            composed = compositions.get((first, point))
            if 0x1100 <= first < 0x1113 and 0x1161 <= point < 0x1176:
                composed = 0xAC00 + ((first - 0x1100) * 21 + point - 0x1161) * 28
            elif first in HANGUL and (first - 0xAC00) % 28 == 0 and 0x11A8 <= point < 0x11C3:
                composed = first + point - 0x11A7
        if composed is not None:
            output[starter] = composed
            continue
        if value == 0:
            starter = len(output)
        last = value
        output.append(point)
    return "".join(map(chr, output))


def check(tables):
    combining, decompositions, compositions = tables
    generator = random.Random(7)
    interesting = sorted({*combining, *decompositions, *(part for pair in compositions for part in pair)})
    interesting += list(range(0x1100, 0x1113)) + list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3))
    for count in (1, 2, 3, 5, 9):
        for _ in range(40000):
            text = "".join(chr(generator.choice(interesting)) for _ in range(count))
            assert compose_text(text, tables) == NFC(text), [hex(ord(character)) for character in text]
    for point in POINTS:
        assert compose_text(chr(point), tables) == NFC(chr(point)), hex(point)


def main():
    letters, numbers, spaces = matching(r"\p{L}"), matching(r"\p{N}"), matching(r"\s")
    assert not letters & numbers and not letters & spaces and not numbers & spaces
    words = word_characters()
    combining = combining_classes()
    lowers = {point: LOWER(chr(point)) for point in POINTS if LOWER(chr(point)) != chr(point)}
    decompositions = {
        point: [ord(part) for part in NFD(chr(point))]
        for point in POINTS
        if point not in HANGUL and NFD(chr(point)) != chr(point)
    }
    compositions = {}
    for point in POINTS:
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (int(part, 16) for part in parts)
            if NFC(chr(first) + chr(second)) == chr(point):
                compositions[first, second] = point
    check((combining, decompositions, compositions))

    joining = {second for _, second in compositions} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    properties = []
    for point in range(0x110000):
        kind = 1 if point in letters else 2 if point in numbers else 3 if point in spaces else 0
        flags = (point in words) << 2 | (point in lowers) << 3 | (point in decompositions) << 4 | (point in joining) << 5
        properties.append(kind | flags | combining.get(point, 0) << 8)
    blocks, index = {}, []
    for start in range(0, 0x110000, 128):
        index.append(blocks.setdefault(tuple(properties[start : start + 128]), len(blocks)))

    flat = [part for parts in decompositions.values() for part in parts]
    output = struct.pack("<4s7I", b"GUNI", len(blocks), len(lowers), len(decompositions), len(flat), len(compositions), 0, 0)
    output += struct.pack(f"<{len(index)}H", *index)
    for block in blocks:
        output += struct.pack("<128H", *block)
    for point, lower in lowers.items():
        output += struct.pack("<3I", point, *[ord(part) for part in (lower + "\0")[:2]])
        assert len(lower) <= 2
    offset = 0
    for point, parts in decompositions.items():
        output += struct.pack("<2I", point, offset << 8 | len(parts))
        offset += len(parts)
    output += struct.pack(f"<{len(flat)}I", *flat)
    for (first, second), composed in sorted(compositions.items()):
        output += struct.pack("<3I", first, second, composed)
    TARGET.write_bytes(output)
    print(f"tokenizers {tokenizers.__version__}: {len(blocks)} blocks, {len(lowers)} lower cases, "
          f"{len(decompositions)} decompositions, {len(compositions)} compositions, {len(combining)} marks, "
          f"{len(output)} bytes")


if __name__ == "__main__":
    main()
