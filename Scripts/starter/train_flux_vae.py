"""Trains the FLUX-type picture codec, 128 x 128 pixels to 16 x 16 x 16 latents and back, from the SDXL-type starter's codec.

FLUX's codec differs from SDXL's in 16 latent channels instead of 4, and in having no 1 x 1 convolutions around the latents: the
finished SDXL-type codec is carried over with its 1 x 1 convolutions folded in, and twelve new channels learn the detail that
the first four leave out.

Reads emoji.npy and Checkpoints/starter-sdxl; writes flux-vae-training.pt (go on from it by running the command again), flux-vae/
(float32) and flux-latents.pt. Best run by torchrun, one process a core.
"""
import argparse
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL

import processes
from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor, use_fast_norms
from train_vae import draw_batch, edge_difference, encode_all, signal_to_noise
from workplace import CANVAS, SEED, add_work_option, on_background, read_pictures, save_atomically

STARTER = Path(__file__).parents[2] / "Checkpoints" / "starter-sdxl"
CHANNELS, OLD = 16, 4
WHOLE_FROM = 0.6         # training on whole pictures from this part of the time on
OLD_DEVIATION = 2.0      # of the first four channels at the start


def make_vae(scaling: float = 1.0, shift: float = 0.0) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 80), layers_per_block=1, norm_num_groups=8, latent_channels=CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, sample_size=CANVAS,
        use_quant_conv=False, use_post_quant_conv=False, scaling_factor=scaling, shift_factor=shift, force_upcast=False)


@torch.no_grad()
def carry_over(vae: AutoencoderKL, old: AutoencoderKL) -> None:
    """Starts from the SDXL-type codec: its four latent channels first, the new ones faint."""
    kept = {name: value for name, value in old.state_dict().items()
            if "quant_conv" not in name and name not in ("encoder.conv_out.weight", "encoder.conv_out.bias", "decoder.conv_in.weight")}
    vae.load_state_dict(kept, strict=False)
    size = OLD_DEVIATION * old.config.scaling_factor        # the old latents' deviation is 1 / scaling_factor
    inward, outward = old.quant_conv, old.post_quant_conv
    weight = torch.einsum("oi,iyxk->oyxk", inward.weight[:, :, 0, 0], old.encoder.conv_out.weight)
    bias = inward.weight[:, :, 0, 0] @ old.encoder.conv_out.bias + inward.bias
    new = vae.encoder.conv_out
    new.weight *= 0.5
    new.weight[CHANNELS:].zero_()
    new.bias.zero_()
    new.bias[CHANNELS:].fill_(-2)
    new.weight[:OLD], new.bias[:OLD] = weight[:OLD] * size, bias[:OLD] * size
    new.weight[CHANNELS : CHANNELS + OLD] = weight[OLD:]
    new.bias[CHANNELS : CHANNELS + OLD] = bias[OLD:] + 2 * torch.tensor(size).log()
    first = vae.decoder.conv_in
    first.weight *= 0.2
    first.weight[:, :OLD] = torch.einsum("oiyx,ik->okyx", old.decoder.conv_in.weight, outward.weight[:, :, 0, 0]) / size
    # At the border, where the padding has no bias, this is not exact; training mends it.
    first.bias += torch.einsum("oiyx,i->o", old.decoder.conv_in.weight, outward.bias)


def loss_of(vae: AutoencoderKL, pictures: torch.Tensor, divergence_weight: float) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
        mean, log_variance = vae.encoder(pictures).float().chunk(2, 1)
        log_variance = log_variance.clamp(-20, 10)
        latents = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        difference = vae.decoder(latents).float() - pictures
    absolute = difference.abs().mean()
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
    loss = absolute + difference.square().mean() + edge_difference(difference) / 2 + divergence_weight * divergence
    return loss, torch.stack([absolute.detach(), divergence.detach()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=6.5)
    options = add_work_option(parser).parse_args()
    rank, count = processes.join()
    torch.manual_seed(SEED)
    pictures = read_pictures(options.work)
    vae = make_vae()
    carry_over(vae, AutoencoderKL.from_pretrained(STARTER / "vae", torch_dtype=torch.float32))
    use_fast_norms(vae).to(memory_format=torch.channels_last)
    muon = Muon(vae.named_parameters(), rate=1.5e-3, adam_names=("conv_in", "conv_out"))
    mean = RunningMean(vae, 0.998)
    saved, spent, step = options.work / "flux-vae-training.pt", 0.0, 0
    if saved.exists():
        state = torch.load(saved)
        vae.load_state_dict(state["vae"]), muon.restore(state["muon"]), mean.restore(state["mean"])
        spent, step = state["spent"], state["step"]
    torch.manual_seed(SEED + step + 1_000_000 * rank)       # every process draws pictures of its own
    began, noted, smooth = time.monotonic() - spent, spent, torch.zeros(2)
    while spent < options.minutes * 60:
        progress = spent / (options.minutes * 60)
        batch = draw_batch(pictures, whole=progress > WHOLE_FROM, processes=count)
        loss, numbers = loss_of(vae, batch, divergence_weight=1e-3 if progress < 0.5 else 3e-4)
        loss.backward()
        told = processes.average(vae.parameters(), torch.cat([numbers, torch.tensor([time.monotonic() - began])]))
        numbers, spent = told[:2], told[2].item()
        muon.step(rate_factor(progress))
        mean.update()
        step += 1
        smooth = numbers if step == 1 else smooth.lerp(numbers, 0.02)
        if rank == 0 and step % 50 == 0:
            print(f"{spent:5.0f} s, step {step}: mean difference {smooth[0]:.4f}, divergence {smooth[1]:.3f}", flush=True)
        if rank == 0 and spent - noted > 120:
            noted = spent
            save_atomically({"vae": vae.state_dict(), "muon": muon.state(), "mean": mean.state(),
                             "spent": spent, "step": step}, saved)
    if rank == 0:
        mean.put_into(vae)
        white = on_background(pictures).contiguous(memory_format=torch.channels_last)
        latents = encode_all(vae, white)
        quality = signal_to_noise(vae, latents, white)
        scaling, shift = 1 / latents.std().item(), latents.mean().item()
        print(f"{step} steps; PSNR {quality.mean():.2f} dB, worst {quality.min():.2f} dB; scaling {scaling:.4f}, shift {shift:.4f}; "
              f"latent deviations {[round(d, 2) for d in (latents.std((0, 2, 3)) * scaling).tolist()]}")
        vae.register_to_config(scaling_factor=round(scaling, 4), shift_factor=round(shift, 4))
        vae.to(memory_format=torch.contiguous_format).save_pretrained(options.work / "flux-vae")
        save_atomically((latents.contiguous() - round(shift, 4)) * round(scaling, 4), options.work / "flux-latents.pt")


if __name__ == "__main__":
    main()
