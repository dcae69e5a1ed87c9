"""Makes Sources/Resources/Vocabularies/clip-merges.bin from the merge list that CLIP was trained with.

usage: clip_merges.py PATH/bpe_simple_vocab_16e6.txt.gz

The input is OpenAI's file (MIT, Documentation/licenses/clip-vocabulary.txt); open-clip-torch 3.3.0 carries it. CLIP's ids
follow from the order of the list: 256 byte symbols, the same 256 at the end of a word, one id for each merge, then the
start and the end token. So the output is only, for each merge in order, the ids of its two parts: 48,894 pairs of
little-endian 16-bit numbers.
"""

import gzip
import hashlib
import pathlib
import struct
import sys

SOURCE_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
MERGES = 49408 - 512 - 2
TARGET = pathlib.Path(__file__).resolve().parents[2] / "Sources/Resources/Vocabularies/clip-merges.bin"


def byte_symbols():
    """The printable stand-ins of the 256 byte values, in the order of their ids."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(printable)]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(hidden))]


def main(path):
    packed = pathlib.Path(path).read_bytes()
    assert hashlib.sha256(packed).hexdigest() == SOURCE_SHA256, "not the file this script was written for"
    merges = gzip.decompress(packed).decode("utf-8").split("\n")[1 : MERGES + 1]

    symbols = byte_symbols()
    ids = {symbol: index for index, symbol in enumerate(symbols)}
    ids |= {symbol + "</w>": 256 + index for index, symbol in enumerate(symbols)}
    output = bytearray()
    for merge in merges:
        left, right = merge.split(" ")
        output += struct.pack("<HH", ids[left], ids[right])
        assert left + right not in ids, merge
        ids[left + right] = len(ids)
    assert len(ids) == 49406
    TARGET.write_bytes(output)
    print(f"{TARGET.name}: {len(output)} bytes, sha256 {hashlib.sha256(output).hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1])
