"""Puts the trained parts together as a diffusers SDXL folder in float16: the bundled checkpoint.

May be run while the painter still trains. The model card and the licence in the folder are written by hand and stay as they are.
"""
import argparse
import json
import shutil
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler
from transformers import CLIPTokenizer

from painter import Painter
from workplace import add_work_option

MOST_BYTES = 12_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[2] / "Checkpoints" / "starter-sdxl")
    options = add_work_option(parser).parse_args()
    work, output = options.work, options.output
    output.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(work / name, output / name, dirs_exist_ok=True)
    painter = Painter(len(CLIPTokenizer.from_pretrained(work / "tokenizer")))
    painter.load_state_dict(torch.load(work / "painter.pt"))
    painter.unet.to(memory_format=torch.contiguous_format)
    finished = work / "vae-finished"
    vae = AutoencoderKL.from_pretrained(finished if finished.exists() else work / "vae")
    for part, folder in ((painter.first, "text_encoder"), (painter.second, "text_encoder_2"), (painter.unet, "unet"), (vae, "vae")):
        part.half().save_pretrained(output / folder)
    EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        timestep_spacing="trailing").save_pretrained(output / "scheduler")
    # Written by hand: the scheduler's own class keeps no clip_sample, which other loaders look for.
    settings = output / "scheduler" / "scheduler_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "clip_sample": False}, indent=2, sort_keys=True) + "\n")
    index = {
        "_class_name": "StableDiffusionXLPipeline", "_diffusers_version": diffusers.__version__,
        "force_zeros_for_empty_prompt": True, "add_watermarker": None,
        "feature_extractor": [None, None], "image_encoder": [None, None],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    }
    (output / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    tidy_configurations(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size:,} bytes")
    assert size <= MOST_BYTES, f"the checkpoint may have {MOST_BYTES:,} bytes"


def tidy_configurations(output: Path) -> None:
    """Takes the folders of this machine out of the configurations, which the libraries write down, and opens the weights to all."""
    for path in output.rglob("*.safetensors"):
        path.chmod(0o644)
    for path in output.rglob("config.json"):
        settings = json.loads(path.read_text())
        settings.pop("_name_or_path", None)
        path.write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    main()
