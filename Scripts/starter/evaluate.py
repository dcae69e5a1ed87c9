"""Measures how faithful the checkpoint is: does a prompt's picture look most like the picture that was asked for?

A picture counts as faithful when, of all training pictures (also those that only the codec has seen), the one asked for is its
nearest neighbour by cosine in the latent space of the checkpoint's codec (centred on the training pictures' mean).

Fifty prompts are drawn evenly over the vocabulary. Without --pictures they are painted with diffusers here; with it, the folder's
pictures are judged, painted by any program and named by their prompt's index: 0.png or 000.png and so on. --list prints
the prompts, one a line, for such a program. --checkpoint takes either starter.
"""
import argparse
import json
import re
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, FluxPipeline, StableDiffusionXLPipeline
from PIL import Image
from torch.nn import functional

from workplace import CANVAS, add_work_option, on_background, read_pictures, read_records

CHECKPOINT = Path(__file__).parents[2] / "Checkpoints" / "starter-sdxl"
PROMPTS = 50
SDXL_STEPS, SDXL_GUIDANCE = 20, 3.0
FLUX_STEPS = 4


def chosen_records(count: int, total: int) -> list[int]:
    """Indices spread evenly over the vocabulary, from the middle of each of `count` equal parts."""
    return [int((i + 0.5) * total / count) for i in range(count)]


def is_flux(checkpoint: Path) -> bool:
    return json.loads((checkpoint / "model_index.json").read_text())["_class_name"] == "FluxPipeline"


def paint(checkpoint: Path, prompts: list[str], seed: int, steps: int | None, guidance: float | None) -> torch.Tensor:
    """`[count, 3, 128, 128]` in -1...1, each picture from its own seed.

    Without `steps` and `guidance`: those of the checkpoint's card. For FLUX, guidance is true classifier-free guidance against an
    empty prompt, and the texts have schnell's 256 tokens.
    """
    if is_flux(checkpoint):
        pipeline, how = FluxPipeline.from_pretrained(checkpoint, torch_dtype=torch.float32), {
            "height": CANVAS, "width": CANVAS, "max_sequence_length": 256, "num_inference_steps": steps or FLUX_STEPS}
        if guidance is not None and guidance != 1:
            how |= {"true_cfg_scale": guidance, "negative_prompt": ""}
    else:
        pipeline, how = StableDiffusionXLPipeline.from_pretrained(checkpoint, torch_dtype=torch.float32), {
            "num_inference_steps": steps or SDXL_STEPS, "guidance_scale": SDXL_GUIDANCE if guidance is None else guidance}
    pipeline.set_progress_bar_config(disable=True)
    seeds = [torch.Generator().manual_seed(seed + i) for i in range(len(prompts))]
    parts = [pipeline(prompts[i : i + 10], generator=seeds[i : i + 10], output_type="pt", **how).images
             for i in range(0, len(prompts), 10)]
    return torch.cat(parts).float() * 2 - 1


def read_folder(folder: Path, count: int) -> torch.Tensor:
    """The folder's pictures by prompt index, scaled to the canvas where they are larger."""
    found = {int(re.sub(r"\D", "", path.stem)): path for path in folder.glob("*.png") if re.search(r"\d", path.stem)}
    missing = [i for i in range(count) if i not in found]
    if missing:
        raise SystemExit(f"{folder} has no picture for the prompts {missing}")
    planes = []
    for i in range(count):
        picture = Image.open(found[i]).convert("RGB").resize((CANVAS, CANVAS), Image.Resampling.BOX)
        planes.append(torch.from_numpy(np.asarray(picture, np.float32).copy()).permute(2, 0, 1) / 127.5 - 1)
    return torch.stack(planes)


class Judge:
    """Nearest neighbours in the codec's latent space."""

    def __init__(self, checkpoint: Path, work: Path):
        self.vae = AutoencoderKL.from_pretrained(checkpoint / "vae", torch_dtype=torch.float32)
        latents = self.encode(on_background(read_pictures(work)))
        self.centre = latents.mean(0)
        self.directions = functional.normalize(latents - self.centre, dim=1)

    @torch.no_grad()
    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.vae.encode(part).latent_dist.mean.flatten(1) for part in pictures.split(16)])

    def cosines(self, pictures: torch.Tensor) -> torch.Tensor:
        """`[count, training pictures]`"""
        return functional.normalize(self.encode(pictures) - self.centre, dim=1) @ self.directions.T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--language", choices=["en", "zh"], default="en")
    parser.add_argument("--frame", default="{}", help="what the name is put into, for instance 'a picture of a {}'")
    parser.add_argument("--count", type=int, default=PROMPTS, help="how many prompts; 0 for the whole vocabulary")
    parser.add_argument("--seed", type=int, default=1000, help="the first prompt's; each following prompt has the next seed")
    parser.add_argument("--steps", type=int, help="the card's, if not given")
    parser.add_argument("--guidance", type=float, help="the card's, if not given")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures to judge instead of painting")
    parser.add_argument("--list", action="store_true", help="print the prompts and stop")
    options = add_work_option(parser).parse_args()
    records = read_records(options.work)
    painted = [i for i, record in enumerate(records) if record["painted"]]
    wanted = [painted[i] for i in chosen_records(options.count or len(painted), len(painted))]
    names = [records[i]["name" if options.language == "en" else "zh"] for i in wanted]
    prompts = [options.frame.format(name) for name in names]
    if options.list:
        print("\n".join(prompts))
        return
    if options.pictures:
        pictures = read_folder(options.pictures, len(prompts))
    else:
        pictures = paint(options.checkpoint, prompts, options.seed, options.steps, options.guidance)
    cosines = Judge(options.checkpoint, options.work).cosines(pictures)
    nearest = cosines.argmax(1).tolist()
    own = cosines[torch.arange(len(wanted)), torch.tensor(wanted)]
    right = sum(a == b for a, b in zip(nearest, wanted))
    print(f"{right} of {len(wanted)} faithful ({options.language}, {options.frame!r}); mean cosine {own.mean():.3f}, "
          f"lowest {own.min():.3f}")
    for name, index, seen in zip(names, wanted, nearest):
        if index != seen:
            print(f"  {name}: looks like {records[seen]['name']}")


if __name__ == "__main__":
    main()
