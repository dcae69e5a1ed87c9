"""Trains the FLUX-type starter's text encoders and transformer together on the cached latents, by flow matching.

Reads emoji.json, flux-latents.pt, flux-tokenizer/ and flux-tokenizer-2/; writes flux-painter-training.pt every three minutes (run the
command again to go on from it) and flux-painter.pt, the running mean of the weights, which export_flux.py turns into the
checkpoint at any time. Best run by torchrun, one process a core.
"""
import argparse
import random
import time

import torch
from transformers import CLIPTokenizer, T5Tokenizer

import processes
from captions import add_aliases, caption
from flux_painter import TEXT_TOKENS, FluxPainter, pack
from optimiser import FAST_TYPE, Muon, RunningMean, rate_factor
from workplace import SEED, add_work_option, read_records, save_atomically

BATCH = 48
ADAM = ("token_embedding", "position_embedding", "shared", "relative_attention_bias", "x_embedder", "transformer.proj_out")
CLIP_TOKENS = 40         # CLIP reads from left to right and its summary is the end token's: what follows that changes nothing
BARE_UNTIL = 0.5         # bare names grow rarer until this part of the time
SHIFT = 3.0              # how far the times lean to noise, where the picture is decided


class Lessons:
    """Endless batches: every picture once an epoch in a new order, each time with a new caption."""

    def __init__(self, work, seed: int):
        records = read_records(work)
        painted = [i for i, record in enumerate(records) if record["painted"]]
        self.records = [records[i] for i in painted]
        add_aliases(self.records)
        self.tokens = pack(torch.load(work / "flux-latents.pt")[painted])
        self.clip = CLIPTokenizer.from_pretrained(work / "flux-tokenizer")
        self.t5 = T5Tokenizer.from_pretrained(work / "flux-tokenizer-2")
        self.random, self.order, self.read = random.Random(seed), [], {}

    def tokenise(self, text: str) -> tuple[torch.Tensor, torch.Tensor]:
        if text not in self.read:
            self.read[text] = tuple(
                torch.tensor(tokenizer(text, padding="max_length", max_length=length, truncation=True).input_ids)
                for tokenizer, length in ((self.clip, CLIP_TOKENS), (self.t5, TEXT_TOKENS)))
        return self.read[text]

    def caption(self, record: dict, progress: float) -> str:
        """At first mostly bare names, so that pictures find their words; then all that people might type."""
        if self.random.random() < 0.75 * (1 - progress / BARE_UNTIL):
            return record[self.random.choice(("name", "zh"))]
        return "" if self.random.random() < 0.03 else caption(record, self.random, chinese=0.5)

    def draw(self, progress: float) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        """The painter's inputs and the velocities it should answer."""
        if len(self.order) < BATCH:
            epoch = list(range(len(self.records)))
            self.random.shuffle(epoch)
            self.order = epoch + self.order
        chosen = [self.order.pop() for _ in range(BATCH)]
        texts = [self.caption(self.records[i], progress) for i in chosen]
        clip, t5 = (torch.stack(tokens) for tokens in zip(*map(self.tokenise, texts)))
        # schnell's and dev's usual lengths for the most part, and any shorter one.
        lengths = torch.tensor(self.random.choices([256, 512, self.random.randint(TEXT_TOKENS, 255)], [6, 2, 2], k=BATCH))
        # One time from each of 48 equal parts of 0...1, so that every batch sees every noise level.
        even = (torch.randperm(BATCH) + torch.rand(1)) / BATCH
        times = SHIFT * even / (1 + (SHIFT - 1) * even)
        clean, noise = self.tokens[chosen], torch.randn(BATCH, *self.tokens.shape[1:])
        part = times.view(-1, 1, 1)
        return ((1 - part) * clean + part * noise, times, clip, t5, lengths), noise - clean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=44)
    parser.add_argument("--rate", type=float, default=5e-3)
    options = add_work_option(parser).parse_args()
    rank, count = processes.join()
    torch.manual_seed(SEED)
    lessons = Lessons(options.work, SEED)
    painter = FluxPainter(len(lessons.clip), len(lessons.t5))
    print("parameters:", {name: sum(p.numel() for p in part.parameters()) for name, part in painter.named_children()}, flush=True)
    muon = Muon(painter.named_parameters(), rate=options.rate, decay=0.01, adam_names=ADAM)
    mean = RunningMean(painter, 0.998)
    saved, spent, step = options.work / "flux-painter-training.pt", 0.0, 0
    if saved.exists():
        state = torch.load(saved)
        painter.load_state_dict(state["painter"]), muon.restore(state["muon"]), mean.restore(state["mean"])
        spent, step = state["spent"], state["step"]
        torch.manual_seed(SEED + step)
        lessons.random.seed(SEED + step)

    def save() -> None:
        save_atomically({"painter": painter.state_dict(), "muon": muon.state(), "mean": mean.state(), "spent": spent,
                         "step": step}, saved)
        averaged = FluxPainter(len(lessons.clip), len(lessons.t5))
        mean.put_into(averaged)
        save_atomically(averaged.state_dict(), options.work / "flux-painter.pt")

    began, noted, errors = time.monotonic() - spent, spent, torch.zeros(4)
    while spent < options.minutes * 60:
        progress = spent / (options.minutes * 60)
        # Every process draws the same batch and takes each nth picture of it: the times stay spread evenly.
        inputs, velocity = lessons.draw(progress)
        inputs, velocity = [part[rank::count] for part in inputs], velocity[rank::count]
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_TYPE is torch.bfloat16):
            answer = painter(*inputs)
        error = (answer.float() - velocity).square().mean((1, 2))
        error.mean().mul(2).backward()
        quarter, clean_error = (inputs[1] * 4).long().clamp(max=3), error.detach() * inputs[1].square()
        now = torch.stack([clean_error[quarter == i].mean() if (quarter == i).any() else errors[i] for i in range(4)])
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
