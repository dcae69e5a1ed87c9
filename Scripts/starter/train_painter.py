"""Trains the text encoders and the UNet together on the cached latents, to predict velocity.

Reads emoji.json, latents.pt and both tokenizers; writes painter-training.pt every three minutes (run the command again to go on
from it) and painter.pt, the running mean of the weights, which export.py turns into the checkpoint at any time.

Best run as one process of one thread a core, each taking its share of every batch (torchrun --nproc-per-node 2): on a machine
with other work that waits once a step, where threads would wait in every layer.
"""
import argparse
import random
import time

import torch
from transformers import CLIPTokenizer

import processes
from captions import add_aliases, caption
from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor
from painter import Painter, noise_levels
from workplace import SEED, add_work_option, read_records, save_atomically

BATCH = 48
ADAM = ("token_embedding", "position_embedding", "conv_in", "conv_out")


class Lessons:
    """Endless batches: every picture once an epoch in a new order, each time with a new caption."""

    def __init__(self, work, seed: int):
        records = read_records(work)
        painted = [i for i, record in enumerate(records) if record["painted"]]
        self.records = [records[i] for i in painted]
        add_aliases(self.records)
        self.latents = torch.load(work / "latents.pt")[painted]
        self.tokenizers = [CLIPTokenizer.from_pretrained(work / name) for name in ("tokenizer", "tokenizer_2")]
        self.levels = noise_levels()
        self.random, self.order, self.tokens = random.Random(seed), [], {}

    def tokenise(self, text: str) -> tuple[torch.Tensor, torch.Tensor]:
        if text not in self.tokens:
            self.tokens[text] = tuple(
                torch.tensor(tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids)
                for tokenizer in self.tokenizers)
        return self.tokens[text]

    def draw(self, progress: float) -> tuple[tuple[torch.Tensor, ...], torch.Tensor, torch.Tensor]:
        """The painter's inputs, the velocities it should answer, and the loss weights."""
        if len(self.order) < BATCH:
            epoch = list(range(len(self.records)))
            self.random.shuffle(epoch)
            self.order = epoch + self.order
        chosen = [self.order.pop() for _ in range(BATCH)]
        chinese = 0.3 + 0.2 * min(1, 2 * progress)
        texts = [caption(self.records[i], self.random, chinese) for i in chosen]
        lot = torch.rand(BATCH)
        texts = ["" if number < 0.04 else text for number, text in zip(lot.tolist(), texts)]
        first, second = (torch.stack(tokens) for tokens in zip(*map(self.tokenise, texts)))
        # One time from each of 48 equal parts of 0 ..< 1000, so that every batch sees every noise level.
        times = ((torch.randperm(BATCH) + torch.rand(1)) / BATCH * 1000).long().clamp(max=999)
        level = self.levels[times]
        clean, noise = self.latents[chosen], torch.randn(BATCH, *self.latents.shape[1:])
        keep, add = level.sqrt().view(-1, 1, 1, 1), (1 - level).sqrt().view(-1, 1, 1, 1)
        noisy = (keep * clean + add * noise).contiguous(memory_format=torch.channels_last)
        # A velocity's error is the picture's error times 1 / (1 - level); weighing the picture's error by min(SNR, 4) + 1
        # learns the layout, decided at high noise, far sooner than weighing the noise's error does.
        weight = ((level / (1 - level)).clamp(max=4) + 1) * (1 - level)
        blank = (lot >= 0.04) & (lot < 0.10)
        return (noisy, times, first, second, blank), keep * noise - add * clean, weight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=42)
    parser.add_argument("--rate", type=float, default=5e-3)
    options = add_work_option(parser).parse_args()
    rank, count = processes.join()
    torch.manual_seed(SEED)
    lessons = Lessons(options.work, SEED)
    painter = Painter(len(lessons.tokenizers[0]))
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in painter.named_children()}
    print("parameters:", sizes, flush=True)
    muon = Muon(painter.named_parameters(), rate=options.rate, decay=0.01, adam_names=ADAM)
    mean = RunningMean(painter, 0.999)
    saved, spent, step = options.work / "painter-training.pt", 0.0, 0
    if saved.exists():
        state = torch.load(saved)
        painter.load_state_dict(state["painter"]), muon.restore(state["muon"]), mean.restore(state["mean"])
        spent, step = state["spent"], state["step"]
        torch.manual_seed(SEED + step)
        lessons.random.seed(SEED + step)

    def save() -> None:
        save_atomically({"painter": painter.state_dict(), "muon": muon.state(), "mean": mean.state(), "spent": spent,
                         "step": step}, saved)
        averaged = Painter(len(lessons.tokenizers[0]))
        mean.put_into(averaged)
        save_atomically(averaged.state_dict(), options.work / "painter.pt")

    began, noted, errors = time.monotonic() - spent, spent, torch.zeros(4)
    while spent < options.minutes * 60:
        progress = spent / (options.minutes * 60)
        # Every process draws the same batch and takes each nth picture of it: the times stay spread evenly.
        inputs, velocity, weight = lessons.draw(progress)
        inputs, velocity, weight = [part[rank::count] for part in inputs], velocity[rank::count], weight[rank::count]
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
            answer = painter(*inputs)
        error = (answer.float() - velocity).square().mean((1, 2, 3))
        (error * weight).mean().mul(2).backward()
        quarter, clean_error = inputs[1] // 250, error.detach() * (1 - lessons.levels[inputs[1]])
        now = torch.stack([clean_error[quarter == i].mean() for i in range(4)])
        told = processes.average(painter.parameters(), torch.cat([now, torch.tensor([time.monotonic() - began])]))
        now, spent = told[:4], told[4].item()
        muon.step(rate_factor(progress))
        mean.update()
        step += 1
        errors = now if errors.sum() == 0 else errors.lerp(now, 0.02)
        if rank == 0 and step % 50 == 0:
            print(f"{spent:5.0f} s, step {step}, epoch {step * BATCH / len(lessons.records):.0f}: picture's error by noise quarter "
                  + " ".join(f"{value:.4f}" for value in errors.tolist()), flush=True)
        if rank == 0 and spent - noted > 180:
            noted = spent
            save()
    if rank == 0:
        save()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
