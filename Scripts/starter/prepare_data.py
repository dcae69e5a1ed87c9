"""Reads the chosen emoji out of Noto Color Emoji and their names out of CLDR.

Writes to the work folder:
  emoji.json   one record a picture: text, English and Chinese name, keywords of both languages
  emoji.npy    the pictures, [count, 4, 128, 128] uint8, red green blue alpha, colour already times alpha
"""
import argparse
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image

from workplace import CANVAS, add_work_option

DRAWN_WIDTH = 120   # of the font's 136; the canvas is 128, so 4 white pixels stay on each side


def read_vocabulary() -> list[str]:
    """The chosen CLDR names, in the file's order; those for the codec alone begin with "~"."""
    lines = Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf8").splitlines()
    return [name for line in lines if line and not line.startswith("#") for name in line.split("|")]


def read_annotations(cldr: Path, language: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """CLDR's short name and keywords of each emoji; both keyed by the emoji without variation selectors."""
    names, keywords = {}, {}
    for node in ElementTree.parse(cldr / "annotations" / f"{language}.xml").iter("annotation"):
        emoji = node.get("cp").replace("\ufe0f", "")
        if node.get("type") == "tts":
            names[emoji] = node.text.strip()
        else:
            keywords[emoji] = [word.strip() for word in node.text.split("|")]
    return names, keywords


def draw(png: bytes) -> np.ndarray:
    """One of the font's 136 x 128 pictures on the training canvas, `[4, 128, 128]`, colour times alpha."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.float32) / 255
    pixels = pixels * np.concatenate([pixels[..., 3:].repeat(3, 2), np.ones_like(pixels[..., 3:])], 2)
    height = round(pixels.shape[0] * DRAWN_WIDTH / pixels.shape[1])
    left, top = (CANVAS - DRAWN_WIDTH) // 2, (CANVAS - height) // 2
    canvas = np.zeros((4, CANVAS, CANVAS), np.float32)
    for channel in range(4):
        plane = Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        plane = plane.resize((DRAWN_WIDTH, height), Image.Resampling.LANCZOS)
        canvas[channel, top : top + height, left : left + DRAWN_WIDTH] = plane
    return (canvas.clip(0, 1) * 255).round().astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--font", default="/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
    parser.add_argument("--cldr", type=Path, default=Path("/usr/share/unicode/cldr/common"))
    work = add_work_option(parser).parse_args()
    font = TTFont(work.font)
    glyphs, pictures = font.getBestCmap(), font["CBDT"].strikeData[0]
    names, keywords = read_annotations(work.cldr, "en")
    chinese_names, chinese_keywords = read_annotations(work.cldr, "zh")
    by_name = {name: emoji for emoji, name in names.items() if len(emoji) == 1}

    records, drawn = [], []
    for entry in read_vocabulary():
        name = entry.removeprefix("~")
        emoji = by_name[name]
        drawn.append(draw(pictures[glyphs[ord(emoji)]].imageData))
        records.append({
            "text": emoji, "painted": entry == name, "name": name.lower().replace("’", "'"), "zh": chinese_names[emoji],
            "keywords": [word.lower() for word in keywords[emoji] if word.lower() != name.lower()],
            "zh_keywords": [word for word in chinese_keywords[emoji] if word != chinese_names[emoji]],
        })
    assert len({record["zh"] for record in records}) == len(records), "a Chinese name stands for two pictures"
    work.work.mkdir(parents=True, exist_ok=True)
    np.save(work.work / "emoji.npy", np.stack(drawn))
    text = json.dumps(records, ensure_ascii=False, indent=1)
    (work.work / "emoji.json").write_text(text, encoding="utf8")
    print(f"{len(records)} pictures, {sum(record['painted'] for record in records)} for the painter")


if __name__ == "__main__":
    main()
