"""Where the recipe keeps its work, and the pieces that every step of it reads."""
import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch

CANVAS = 128
SEED = 20


def add_work_option(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The option every command has: the folder for everything that is not the finished checkpoint."""
    parser.add_argument("--work", type=Path, default=Path("/tmp/starter-work"), help="work folder (big, disposable)")
    return parser


def read_records(work: Path) -> list[dict]:
    return json.loads((work / "emoji.json").read_text(encoding="utf8"))


def read_pictures(work: Path) -> torch.Tensor:
    """`[count, 4, 128, 128]` in 0...1, colour already times alpha."""
    return torch.from_numpy(np.load(work / "emoji.npy")).float() / 255


def on_background(pictures: torch.Tensor, colour: torch.Tensor | None = None) -> torch.Tensor:
    """Pictures laid on a colour (`[count, 3]`, white if none), in -1...1."""
    colour = torch.ones(1, 3) if colour is None else colour
    return (pictures[:, :3] + (1 - pictures[:, 3:]) * colour[:, :, None, None]) * 2 - 1


def save_atomically(state: object, path: Path) -> None:
    """A run that is stopped while it saves keeps the file that it had."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)
