"""Learns the byte-pair vocabulary and writes both tokenizer folders in CLIP's layout (vocab.json, merges.txt).

Each Chinese name becomes one token where it ends a prompt, and few tokens elsewhere.
"""
import argparse
import json
import random
from collections import Counter
from pathlib import Path

import regex

from captions import add_aliases, chinese_caption, english_caption
from workplace import SEED, add_work_option, read_records

MERGES = 2800
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")     # how CLIP divides text
LAST = "</w>"                                                                       # how CLIP marks a word's last symbol


def byte_symbols() -> dict[int, str]:
    """The visible character that stands for each byte in byte-pair files (GPT-2's table, in its order)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(0x100) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(0x100 + i) for i, byte in enumerate(hidden)}


def count_words(records: list[dict], rng: random.Random) -> Counter:
    counts = Counter()

    def add(text: str, times: int = 1) -> None:
        for word in WORDS.findall(text.lower()):
            counts[word] += times

    for record in records:
        for _ in range(30):
            add(english_caption(record, rng, clean=True))
            add(chinese_caption(record, rng))
        add(record["zh"], 100)
        for short in record["zh_short"]:
            add(short, 50)
        for frame in ("一个{}", "画一个{}", "{}的图片"):
            add(frame.format(record["zh"]), 10)
    return counts


def merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    result, i = [], 0
    while i < len(word):
        joined = word[i : i + 2] == pair
        result.append("".join(pair) if joined else word[i])
        i += 2 if joined else 1
    return tuple(result)


def learn_merges(counts: Counter, table: dict[int, str], count: int) -> list[tuple[str, str]]:
    words = {}
    for word, uses in counts.items():
        symbols = [table[byte] for byte in word.encode("utf8")]
        words[(*symbols[:-1], symbols[-1] + LAST)] = uses
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, uses in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += uses
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = {merged(word, best) if best[0] in word else word: uses for word, uses in words.items()}
    return merges


def number_symbols(merges: list[tuple[str, str]], table: dict[int, str]) -> dict[str, int]:
    symbols = [*table.values(), *(symbol + LAST for symbol in table.values()), *(a + b for a, b in merges), START, END]
    return {symbol: number for number, symbol in enumerate(symbols)}


def write_tokenizer(folder: Path, vocabulary: dict[str, int], merges: list[tuple[str, str]], padding: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": padding}
    settings = {**special, "add_prefix_space": False, "do_lower_case": True, "errors": "replace", "model_max_length": 77,
                "tokenizer_class": "CLIPTokenizer"}

    def write(name: str, text: str) -> None:
        (folder / name).write_text(text, encoding="utf8")

    write("vocab.json", json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")))
    write("merges.txt", "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write("special_tokens_map.json", json.dumps(special, indent=2) + "\n")
    write("tokenizer_config.json", json.dumps(settings, indent=2) + "\n")


def main() -> None:
    options = add_work_option(argparse.ArgumentParser(description=__doc__.splitlines()[0])).parse_args()
    records = read_records(options.work)
    add_aliases(records)
    table = byte_symbols()
    merges = learn_merges(count_words(records, random.Random(SEED)), table, MERGES)
    vocabulary = number_symbols(merges, table)
    whole = sum("".join(table[byte] for byte in record["zh"].encode()) + LAST in vocabulary for record in records)
    print(f"{len(vocabulary)} tokens; {whole} of {len(records)} Chinese names are one token")
    write_tokenizer(options.work / "tokenizer", vocabulary, merges, padding=END)
    write_tokenizer(options.work / "tokenizer_2", vocabulary, merges, padding="!")


if __name__ == "__main__":
    main()
