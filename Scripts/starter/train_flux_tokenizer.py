"""Learns both vocabularies of the FLUX-type starter, from what the painter knows alone: they must be small.

tokenizer is CLIP's, byte pairs as in the SDXL-type starter. tokenizer_2 is T5's, sentencepiece: spiece.model and the equal
tokenizer.json. T5 keeps capitals apart; this vocabulary folds them, and full-width characters, with rules of its own: the usual full table of
Unicode foldings alone would take 0.6 MB. Whole English words and most Chinese names become one piece.

Reads emoji.json; writes flux-tokenizer/ and flux-tokenizer-2/.
"""
import argparse
import json
import random
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import T5Tokenizer

from captions import add_aliases, chinese_caption, english_caption
from train_tokenizer import END, LAST, byte_symbols, count_words, learn_merges, number_symbols, write_tokenizer
from workplace import SEED, add_work_option, read_records

MERGES = 2000
PIECES = 2000
LENGTH = 512
SAMPLES = ["A red apple, 红苹果", "a Picture of a  T-Rex", "画一个机器人", "ＡＢＣ，！", "Zebra’s crossing \t x\n y", "", " ", "é ß 🦊 unknown", "笑脸 emoji"]


def folding_rules() -> dict[str, str]:
    """Capitals to small letters, full-width to plain, all white space to one kind, the curly apostrophe to the straight one."""
    rules = {chr(c): chr(c).lower() for c in range(ord("A"), ord("Z") + 1)}
    rules |= {chr(c + 0xFEE0): chr(c).lower() for c in range(0x21, 0x7F)}
    rules |= {space: " " for space in "\t\n\r\u00a0\u3000"}
    return rules | {"’": "'"}


def write_rules(path: Path) -> None:
    lines = (f"{ord(a):X}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in folding_rules().items())
    path.write_text("".join(lines), encoding="utf8")


def write_corpus(records: list[dict], rng: random.Random, path: Path) -> None:
    """Captions as the painter will see them, and each name by itself often enough to become a piece."""
    lines = []
    for record in records:
        for _ in range(30):
            lines += [english_caption(record, rng, clean=True), chinese_caption(record, rng)]
        lines += [record["zh"]] * 40 + [record["name"]] * 20
        lines += [short for short in record["zh_short"] for _ in range(20)]
        lines += record["keywords"] + record["zh_keywords"]
    path.write_text("\n".join(lines), encoding="utf8")


def write_clip_tokenizer(records: list[dict], folder: Path) -> None:
    table = byte_symbols()
    merges = learn_merges(count_words(records, random.Random(SEED)), table, MERGES)
    vocabulary = number_symbols(merges, table)
    whole = sum("".join(table[byte] for byte in record["zh"].encode()) + LAST in vocabulary for record in records)
    print(f"CLIP: {len(vocabulary)} tokens; {whole} of {len(records)} Chinese names are one token")
    write_tokenizer(folder, vocabulary, merges, padding=END)


def main() -> None:
    options = add_work_option(argparse.ArgumentParser(description=__doc__.splitlines()[0])).parse_args()
    records = [record for record in read_records(options.work) if record["painted"]]
    add_aliases(records)
    write_clip_tokenizer(records, options.work / "flux-tokenizer")
    folder = options.work / "flux-tokenizer-2"
    folder.mkdir(parents=True, exist_ok=True)
    corpus, rules = options.work / "flux-captions.txt", options.work / "flux-folding.tsv"
    write_corpus(records, random.Random(SEED), corpus)
    write_rules(rules)
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), model_type="unigram", vocab_size=PIECES, num_threads=1,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", eos_piece="</s>", unk_piece="<unk>", character_coverage=1.0,
        normalization_rule_tsv=str(rules), minloglevel=2)
    (folder / "spiece.vocab").unlink()
    model = sentencepiece_model_pb2.ModelProto()
    path = folder / "spiece.model"
    model.ParseFromString(path.read_bytes())
    model.trainer_spec.ClearField("input"), model.trainer_spec.ClearField("model_prefix")       # this machine's folders
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    path.write_bytes(model.SerializeToString())

    tokenizer = T5Tokenizer(
        vocab=[(piece.piece, piece.score) for piece in model.pieces],
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap, extra_ids=0, model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    text = (folder / "tokenizer.json").read_text(encoding="utf8")
    (folder / "tokenizer.json").write_text(json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")), encoding="utf8")

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    tokenizer = T5Tokenizer.from_pretrained(folder)
    lines = SAMPLES + corpus.read_text(encoding="utf8").splitlines()[::7]
    for text in lines:
        assert tokenizer(text).input_ids == [*pieces.encode(text), 1], text
    whole = sum(len(pieces.encode(record["zh"])) <= 2 for record in records)
    longest = max(len(pieces.encode(line)) for line in lines) + 1
    print(f"T5: {len(tokenizer)} pieces; both files agree on {len(lines)} texts of at most {longest} tokens; "
          f"{whole} of {len(records)} Chinese names take one or two pieces")


if __name__ == "__main__":
    main()
