"""Paints sixteen prompts with the checkpoint and lays them out on one sheet."""
import argparse
from pathlib import Path

import torch
from PIL import Image

from evaluate import CHECKPOINT, paint, read_folder
from workplace import CANVAS

PROMPTS = [
    "a red apple", "a strawberry", "a slice of pizza", "hamburger", "a lion", "panda", "a frog", "penguin", "smiling face with sunglasses",
    "robot", "sunflower", "a rainbow", "rocket", "guitar", "红心", "雪花",
]
COLUMNS, MARGIN = 4, 8


def lay_out(pictures: torch.Tensor) -> Image.Image:
    """`[count, 3, height, width]` in -1...1, row by row on white."""
    cell = CANVAS + MARGIN
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell + MARGIN, rows * cell + MARGIN), "white")
    for i, picture in enumerate(pictures):
        pixels = ((picture.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
        sheet.paste(Image.fromarray(pixels), (MARGIN + i % COLUMNS * cell, MARGIN + i // COLUMNS * cell))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, help="the card's, if not given")
    parser.add_argument("--guidance", type=float, help="the card's, if not given")
    parser.add_argument("--prompts", nargs="+", default=PROMPTS)
    parser.add_argument("--pictures", type=Path, help="a folder of pictures named by prompt index, instead of painting")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    if options.pictures:
        pictures = read_folder(options.pictures, len(options.prompts))
    else:
        pictures = paint(options.checkpoint, options.prompts, options.seed, options.steps, options.guidance)
    lay_out(pictures).save(options.output)


if __name__ == "__main__":
    main()
