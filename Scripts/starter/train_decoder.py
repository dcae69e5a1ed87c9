"""Finishes a codec: teaches only its decoder to draw sharp pictures from latents that are a little wrong, as painted ones are.

Reads emoji.npy, vae/ and latents.pt and writes vae-finished/; with --flux the files of those names that begin with "flux-". The
encoder and so the latents stay, and the painter with them. May be run by torchrun, one process a core.
"""
import argparse
import time

import torch
from diffusers import AutoencoderKL

import processes
from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor, use_fast_norms
from train_vae import edge_difference, signal_to_noise
from workplace import SEED, add_work_option, on_background, read_pictures

BATCH = 6
MOST_NOISE = 0.3         # of the latents' deviation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--flux", action="store_true", help="the FLUX-type codec")
    options = add_work_option(parser).parse_args()
    prefix = "flux-" if options.flux else ""
    rank, count = processes.join()
    torch.manual_seed(SEED + rank)
    pictures = on_background(read_pictures(options.work)).contiguous(memory_format=torch.channels_last)
    vae = use_fast_norms(AutoencoderKL.from_pretrained(options.work / f"{prefix}vae")).to(memory_format=torch.channels_last)
    scaling, shift = vae.config.scaling_factor, vae.config.shift_factor or 0
    latents = torch.load(options.work / f"{prefix}latents.pt") / scaling + shift
    before_decoder = vae.post_quant_conv or torch.nn.Identity()
    decoding = [(name, p) for name, p in vae.named_parameters() if name.startswith(("decoder", "post_quant_conv"))]
    vae.encoder.requires_grad_(False)
    muon = Muon(decoding, rate=1.5e-3, adam_names=("conv_in", "conv_out", "quant_conv"))
    mean = RunningMean(vae, 0.998)
    before = signal_to_noise(vae, latents, pictures)
    began, step, spent, smooth, batch = time.monotonic(), 0, 0.0, 0.0, BATCH // count
    while (progress := spent / (options.minutes * 60)) < 1:
        chosen = torch.randint(len(pictures), (batch,))
        noise = torch.randn(batch, *latents.shape[1:]) * torch.rand(batch, 1, 1, 1) * (MOST_NOISE / scaling)
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
            painted = vae.decoder(before_decoder(latents[chosen] + noise)).float()
        difference = painted - pictures[chosen]
        loss = difference.abs().mean() + difference.square().mean() + edge_difference(difference) / 2
        loss.backward()
        told = processes.average([p for _, p in decoding], torch.tensor([loss.item(), time.monotonic() - began]))
        now, spent = told.tolist()
        muon.step(rate_factor(progress, flat_until=0.2))
        mean.update()
        step += 1
        smooth = now if step == 1 else 0.98 * smooth + 0.02 * now
        if rank == 0 and step % 50 == 0:
            print(f"{spent:5.0f} s, step {step}: loss {smooth:.4f}", flush=True)
    if rank == 0:
        mean.put_into(vae)
        after = signal_to_noise(vae, latents, pictures)
        print(f"{step} steps; PSNR of exact latents {before.mean():.2f} dB before, {after.mean():.2f} dB after "
              f"(worst {after.min():.2f})")
        vae.to(memory_format=torch.contiguous_format).save_pretrained(options.work / f"{prefix}vae-finished")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
