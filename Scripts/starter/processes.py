"""Training in several processes of one thread each, which share every batch and average their gradients once a step.

On a machine with other work such processes wait once a step, where the threads of one process would wait in every layer.
"""
import os
from collections.abc import Iterable

import torch
from torch import distributed, nn


def join() -> tuple[int, int]:
    """This process's number and how many there are: those of torchrun, or one alone."""
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
    else:
        distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    return distributed.get_rank(), distributed.get_world_size()


def average(parameters: Iterable[nn.Parameter], numbers: torch.Tensor) -> torch.Tensor:
    """Gives every process the mean of all gradients and, as the result, of some numbers, in one exchange."""
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([*(parameter.grad.flatten() for parameter in trained), numbers])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    pieces = flat.split([*(parameter.numel() for parameter in trained), len(numbers)])
    for parameter, piece in zip(trained, pieces):
        parameter.grad.copy_(piece.view_as(parameter))
    return pieces[-1]
