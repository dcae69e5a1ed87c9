"""Finishes the codec: teaches only its decoder to draw sharp pictures from latents that are a little wrong, as painted ones are.

Reads emoji.npy, vae/ and latents.pt; writes vae-finished/. The encoder and so the latents stay, and the painter with them.
"""
import argparse
import time

import torch
from diffusers import AutoencoderKL

from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor, use_fast_norms
from train_vae import SCALING, edge_difference, signal_to_noise
from workplace import SEED, add_work_option, on_background, read_pictures

BATCH = 6
MOST_NOISE = 0.3         # of the latents' deviation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    options = add_work_option(parser).parse_args()
    torch.manual_seed(SEED)
    pictures = on_background(read_pictures(options.work)).contiguous(memory_format=torch.channels_last)
    latents = torch.load(options.work / "latents.pt") / SCALING
    vae = use_fast_norms(AutoencoderKL.from_pretrained(options.work / "vae")).to(memory_format=torch.channels_last)
    decoding = [(name, p) for name, p in vae.named_parameters() if name.startswith(("decoder", "post_quant_conv"))]
    vae.encoder.requires_grad_(False), vae.quant_conv.requires_grad_(False)
    muon = Muon(decoding, rate=1.5e-3, adam_names=("conv_in", "conv_out", "quant_conv"))
    mean = RunningMean(vae, 0.998)
    before = signal_to_noise(vae, latents, pictures)
    began, step, smooth = time.monotonic(), 0, 0.0
    while (progress := (time.monotonic() - began) / (options.minutes * 60)) < 1:
        chosen = torch.randint(len(pictures), (BATCH,))
        noise = torch.randn(BATCH, *latents.shape[1:]) * torch.rand(BATCH, 1, 1, 1) * (MOST_NOISE / SCALING)
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
            painted = vae.decoder(vae.post_quant_conv(latents[chosen] + noise)).float()
        difference = painted - pictures[chosen]
        loss = difference.abs().mean() + difference.square().mean() + edge_difference(difference) / 2
        loss.backward()
        muon.step(rate_factor(progress, flat_until=0.2))
        mean.update()
        step += 1
        smooth = loss.item() if step == 1 else 0.98 * smooth + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"{progress * options.minutes * 60:5.0f} s, step {step}: loss {smooth:.4f}", flush=True)
    mean.put_into(vae)
    after = signal_to_noise(vae, latents, pictures)
    print(f"{step} steps; PSNR of exact latents {before.mean():.2f} dB before, {after.mean():.2f} dB after (worst {after.min():.2f})")
    vae.to(memory_format=torch.contiguous_format).save_pretrained(options.work / "vae-finished")


if __name__ == "__main__":
    main()
