"""Trains the picture codec: 128 x 128 pixels to 4 x 16 x 16 latents and back.

Reads emoji.npy; writes vae-training.pt (go on from it by running the command again), vae/ (float32) and latents.pt.
"""
import argparse
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor, use_fast_norms
from workplace import CANVAS, SEED, add_work_option, on_background, read_pictures, save_atomically

SCALING = 0.13025        # SDXL's own; the codec is normalised to it at the end
CROP, CROPS, WHOLES = 64, 24, 6
WHOLE_FROM = 0.75        # training on whole pictures from this part of the time on


def make_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 80), layers_per_block=1, norm_num_groups=8, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=CANVAS, scaling_factor=SCALING, force_upcast=False)


def draw_batch(pictures: torch.Tensor, whole: bool, processes: int = 1) -> torch.Tensor:
    """One process's share of whole pictures or square cuts of them, most on white, some on a colour."""
    count = (WHOLES if whole else CROPS) // processes
    colour = torch.where(torch.rand(count, 1) < 0.85, torch.ones(count, 3), torch.rand(count, 3))
    chosen = on_background(pictures[torch.randint(len(pictures), (count,))], colour)
    if not whole:
        corners = torch.randint(CANVAS - CROP + 1, (count, 2)).tolist()
        chosen = torch.stack([p[:, y : y + CROP, x : x + CROP] for p, (y, x) in zip(chosen, corners)])
    return chosen.contiguous(memory_format=torch.channels_last)


def edge_difference(difference: torch.Tensor) -> torch.Tensor:
    """How far two pictures' neighbouring-pixel differences are apart: keeps outlines sharp."""
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def loss_of(vae: AutoencoderKL, pictures: torch.Tensor, divergence_weight: float) -> tuple[torch.Tensor, float]:
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
        mean, log_variance = vae.quant_conv(vae.encoder(pictures)).float().chunk(2, 1)
        log_variance = log_variance.clamp(-20, 10)
        latents = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        difference = vae.decoder(vae.post_quant_conv(latents)).float() - pictures
    absolute = difference.abs().mean()
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
    loss = absolute + difference.square().mean() + edge_difference(difference) / 2 + divergence_weight * divergence
    return loss, absolute.item()


@torch.no_grad()
def encode_all(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    return torch.cat([vae.encode(part).latent_dist.mean for part in pictures.split(16)])


@torch.no_grad()
def normalise(vae: AutoencoderKL, latents: torch.Tensor) -> None:
    """Moves each latent channel to mean 0 and deviation 1 / SCALING, inside the two 1 x 1 convolutions."""
    mean, size = latents.mean((0, 2, 3)), latents.std((0, 2, 3)) * SCALING
    inward, outward = vae.quant_conv, vae.post_quant_conv
    outward.bias += outward.weight[:, :, 0, 0] @ mean
    outward.weight *= size.view(1, -1, 1, 1)
    inward.weight[:4] /= size.view(-1, 1, 1, 1)
    inward.bias[:4] = (inward.bias[:4] - mean) / size
    inward.bias[4:] -= 2 * size.log()


@torch.no_grad()
def signal_to_noise(vae: AutoencoderKL, latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Each picture's PSNR in dB after its latents are decoded."""
    painted = torch.cat([vae.decode(part).sample for part in latents.split(16)]).clamp(-1, 1)
    return -10 * ((painted - pictures).square().mean((1, 2, 3)) / 4).log10()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=12)
    options = add_work_option(parser).parse_args()
    torch.manual_seed(SEED)
    pictures = read_pictures(options.work)
    vae = use_fast_norms(make_vae()).to(memory_format=torch.channels_last)
    muon = Muon(vae.named_parameters(), rate=2e-3, adam_names=("conv_in", "conv_out", "quant_conv"))
    mean = RunningMean(vae, 0.998)
    saved, spent, step = options.work / "vae-training.pt", 0.0, 0
    if saved.exists():
        state = torch.load(saved)
        vae.load_state_dict(state["vae"]), muon.restore(state["muon"]), mean.restore(state["mean"])
        spent, step = state["spent"], state["step"]
        torch.manual_seed(SEED + step)
    began, noted, smooth = time.monotonic() - spent, spent, 0.0
    while (spent := time.monotonic() - began) < options.minutes * 60:
        progress = spent / (options.minutes * 60)
        batch = draw_batch(pictures, whole=progress > WHOLE_FROM)
        loss, absolute = loss_of(vae, batch, divergence_weight=1e-3 if progress < 0.25 else 1e-4)
        loss.backward()
        muon.step(rate_factor(progress))
        mean.update()
        step += 1
        smooth = absolute if step == 1 else 0.98 * smooth + 0.02 * absolute
        if step % 50 == 0:
            print(f"{spent:5.0f} s, step {step}: mean difference {smooth:.4f}", flush=True)
        if spent - noted > 120:
            noted = spent
            save_atomically({"vae": vae.state_dict(), "muon": muon.state(), "mean": mean.state(),
                             "spent": spent, "step": step}, saved)
    mean.put_into(vae)
    white = on_background(pictures).contiguous(memory_format=torch.channels_last)
    normalise(vae, encode_all(vae, white))
    latents = encode_all(vae, white)
    quality = signal_to_noise(vae, latents, white)
    print(f"{step} steps; PSNR {quality.mean():.2f} dB, worst {quality.min():.2f} dB; "
          f"latent deviations {(latents * SCALING).std((0, 2, 3)).tolist()}")
    vae.to(memory_format=torch.contiguous_format).save_pretrained(options.work / "vae")
    save_atomically(latents.contiguous() * SCALING, options.work / "latents.pt")


if __name__ == "__main__":
    main()
