"""What both trainings share: Muon with Adam for the rest, a running mean of the weights, the learning-rate curve, a faster norm."""
import math
from collections.abc import Iterable

import torch
from torch import nn


# Where the processor multiplies bfloat16 itself that is the faster type; elsewhere it is three times slower than float32.
FAST_TYPE = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


class Muon:
    """Orthogonalised momentum for matrices and convolutions, Adam for vectors, embeddings and the first and last layers.

    Jordan et al., "Muon: an optimizer for hidden layers" (2024); the step's size is matched to Adam's as in Liu et al.,
    "Muon is scalable for LLM training" (arXiv 2502.16982, section 2.2).
    """

    def __init__(self, parameters: Iterable[tuple[str, nn.Parameter]], rate: float, decay: float = 0.0,
                 adam_names: tuple[str, ...] = ()):
        self.rate, self.decay = rate, decay
        self.matrices, others = [], []
        for name, parameter in parameters:
            wide = parameter.dim() >= 2 and min(parameter.shape[0], parameter[0].numel()) >= 8
            if wide and not any(part in name for part in adam_names):
                self.matrices.append(parameter)
            else:
                others.append(parameter)
        self.momenta = [torch.zeros_like(parameter) for parameter in self.matrices]
        self.adam = torch.optim.Adam(others, lr=rate, betas=(0.9, 0.99), foreach=True)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update at `factor` times the learning rate; drops the gradients."""
        rate = self.rate * factor
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step()
        # Matrices of one shape are orthogonalised together: one batched product instead of dozens of small ones.
        shapes: dict[tuple[int, int], list[tuple[nn.Parameter, torch.Tensor]]] = {}
        for parameter, momentum in zip(self.matrices, self.momenta):
            if parameter.grad is not None:
                momentum.lerp_(parameter.grad, 0.05)
                update = parameter.grad.lerp(momentum, 0.95).flatten(1)
                shapes.setdefault(tuple(update.shape), []).append((parameter, update))
        for (rows, columns), group in shapes.items():
            updates = orthogonalised(torch.stack([update for _, update in group]))
            size = 0.2 * math.sqrt(max(rows, columns))
            for (parameter, _), update in zip(group, updates.float()):
                parameter.mul_(1 - rate * self.decay).sub_(update.view_as(parameter), alpha=rate * size)
        self.adam.zero_grad()
        for parameter in self.matrices:
            parameter.grad = None

    def state(self) -> dict:
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    def restore(self, state: dict) -> None:
        for momentum, saved in zip(self.momenta, state["momenta"]):
            momentum.copy_(saved)
        self.adam.load_state_dict(state["adam"])


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest matrix with orthonormal rows or columns, roughly: five quintic Newton-Schulz iterations."""
    x = matrices.to(FAST_TYPE)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return x.mT if tall else x


class RunningMean:
    """An exponential mean of a module's weights, which paints better than the last weights do."""

    def __init__(self, module: nn.Module, decay: float):
        self.module, self.decay, self.count = module, decay, 0
        self.means = [parameter.detach().clone() for parameter in module.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        self.count += 1
        decay = min(self.decay, (self.count + 1) / (self.count + 10))
        torch._foreach_lerp_(self.means, [parameter.detach() for parameter in self.module.parameters()], 1 - decay)

    @torch.no_grad()
    def put_into(self, module: nn.Module) -> None:
        for mean, parameter in zip(self.means, module.parameters()):
            parameter.copy_(mean)

    def state(self) -> dict:
        return {"means": self.means, "count": self.count}

    def restore(self, state: dict) -> None:
        self.means, self.count = state["means"], state["count"]


def rate_factor(progress: float, flat_until: float = 0.4) -> float:
    """The learning rate's factor at `progress` in 0...1: a short rise, a plateau, half a cosine down to 2 %."""
    if progress < 0.02:
        return progress / 0.02 + 1e-3
    if progress < flat_until:
        return 1.0
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (progress - flat_until) / (1 - flat_until)))


class ChannelsLastGroupNorm(torch.autograd.Function):
    """Group norm whose gradient is a handful of sums and two fused multiply-adds over the picture.

    PyTorch's own gradient takes a third of a training step on a CPU when channels are the innermost dimension.
    """

    @staticmethod
    def forward(context, x, scale, shift, groups, epsilon):
        x = x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.contiguous()
        y, mean, deviation = torch.native_group_norm(
            x, scale.to(x.dtype), shift.to(x.dtype), x.shape[0], x.shape[1], x[0, 0].numel(), groups, epsilon)
        context.save_for_backward(x, scale, mean, deviation)
        return y

    @staticmethod
    def backward(context, gradient):
        x, scale, mean, inverse = context.saved_tensors
        batch, channels, groups = x.shape[0], x.shape[1], mean.shape[1]
        members = channels // groups
        pixels = tuple(range(2, x.dim()))
        count = x[0, 0].numel() * members

        def by_channel(values):
            return values.float().repeat_interleave(members, 1)

        def by_group(values):
            return by_channel(values.view(batch, groups, members).sum(2)) / count

        mean, inverse, weight = by_channel(mean), by_channel(inverse), scale.float()[None]
        total = gradient.sum(pixels, dtype=torch.float32)
        projected = ((gradient * x).sum(pixels, dtype=torch.float32) - mean * total) * inverse
        along, across = by_group(projected * weight), by_group(total * weight)
        # d loss / d x = inverse * (weight * gradient - across - normalised x * along), gathered as a*gradient + b*x + c.
        a, b = weight * inverse, -along * inverse * inverse
        c = -across * inverse - b * mean

        def spread(values):
            return values.to(x.dtype).view(batch, channels, *[1] * len(pixels))

        result = torch.addcmul(torch.addcmul(spread(c), gradient, spread(a)), x, spread(b))
        return result, projected.sum(0).to(scale.dtype), total.sum(0).to(scale.dtype), None, None


def use_fast_norms(module: nn.Module) -> nn.Module:
    """Lets every group norm of a module train with the faster gradient; its values stay the same."""
    for norm in module.modules():
        if isinstance(norm, nn.GroupNorm):
            norm.forward = lambda x, norm=norm: ChannelsLastGroupNorm.apply(
                x, norm.weight, norm.bias, norm.num_groups, norm.eps)
    return module
