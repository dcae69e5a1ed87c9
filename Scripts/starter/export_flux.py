"""Puts the trained parts together as a diffusers FLUX folder in float16: the bundled FLUX-type checkpoint.

May be run while the painter still trains. The model card and the licence in the folder are written by hand and stay as they are.
"""
import argparse
import json
import shutil
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler
from transformers import CLIPTokenizer, T5Tokenizer

from export import tidy_configurations
from flux_painter import FluxPainter
from workplace import add_work_option

MOST_BYTES = 8_300_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[2] / "Checkpoints" / "starter-flux")
    options = add_work_option(parser).parse_args()
    work, output = options.work, options.output
    output.mkdir(parents=True, exist_ok=True)
    for name, folder in (("flux-tokenizer", "tokenizer"), ("flux-tokenizer-2", "tokenizer_2")):
        shutil.copytree(work / name, output / folder, dirs_exist_ok=True)
    clip, t5 = CLIPTokenizer.from_pretrained(work / "flux-tokenizer"), T5Tokenizer.from_pretrained(work / "flux-tokenizer-2")
    painter = FluxPainter(len(clip), len(t5))
    painter.load_state_dict(torch.load(work / "flux-painter.pt"))
    finished = work / "flux-vae-finished"
    vae = AutoencoderKL.from_pretrained(finished if finished.exists() else work / "flux-vae")
    parts = ((painter.clip, "text_encoder"), (painter.t5, "text_encoder_2"), (painter.transformer, "transformer"), (vae, "vae"))
    for part, folder in parts:
        part.half().save_pretrained(output / folder)
    FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False).save_pretrained(output / "scheduler")
    index = {
        "_class_name": "FluxPipeline", "_diffusers_version": diffusers.__version__,
        "feature_extractor": [None, None], "image_encoder": [None, None],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderKL"],
    }
    (output / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    tidy_configurations(output)
    for folder in ("text_encoder", "text_encoder_2"):
        # What the text encoders compute in unless told: the loaders give the other parts float32 from the same float16 files.
        path = output / folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "dtype": "float32"}, indent=2) + "\n")
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size:,} bytes")
    assert size <= MOST_BYTES, f"the checkpoint may have {MOST_BYTES:,} bytes"


if __name__ == "__main__":
    main()
