"""Muon for matrices and convolutions, and how a network's parameters are shared with AdamW.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) steps along the nearest
semi-orthogonal matrix to the momentum, so that no direction of a weight is starved.
`torch.optim.Muon` takes single 2-D weights; here weights of one shape are stacked, which on a CPU
makes one batched product of many small ones, and convolutions are matrices of (out, in x kernel).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pocket import precision

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: chosen by its author for the steepest slope at zero."""


def orthogonalised(matrices: Tensor, *, iterations: int = 5) -> Tensor:
    """(N, rows, columns) to nearly semi-orthogonal matrices: singular values in .7 to 1.2."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.transpose(1, 2) if tall else matrices).to(precision.fast())
    x = x / (x.flatten(1).float().norm(dim=1)[:, None, None].to(x.dtype) + 1e-7)
    # In bfloat16 the small eigenvalues of a Gram matrix drown, and the iteration runs away.
    wide = x.dtype == torch.float32 and x.shape[2] >= 2 * x.shape[1]
    x = _by_gram(x, iterations) if wide else _by_steps(x, iterations)
    return (x.transpose(1, 2) if tall else x).to(matrices.dtype)


def _by_steps(x: Tensor, iterations: int) -> Tensor:
    """x to (a + b xx' + c (xx')^2) x, so many times."""
    a, b, c = _COEFFICIENTS
    for _ in range(iterations):
        gram = x @ x.transpose(1, 2)
        x = a * x + torch.baddbmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x


def _by_gram(x: Tensor, iterations: int) -> Tensor:
    """The same for wide matrices: all steps are polynomials of the first xx', small and symmetric,
    so that the wide x is needed at both ends alone. Saves a third of the products of a network."""
    a, b, c = _COEFFICIENTS
    gram = x @ x.transpose(1, 2)
    eye = torch.eye(gram.shape[1], dtype=x.dtype)
    whole = eye.expand_as(gram)
    for turn in range(iterations):
        step = torch.baddbmm(gram, gram, gram, beta=b, alpha=c) + a * eye
        whole = step @ whole if turn else step
        if turn < iterations - 1:
            gram = step @ gram @ step
    return whole @ x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum. `lr` is the root mean square of an update's elements."""

    def __init__(
        self, params: Iterable[Any], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = torch.lerp(weight.grad, state["momentum"], group["momentum"]).flatten(1)
                alike[(update.shape[0], update.shape[1])].append((weight, update))
            for (rows, columns), pairs in alike.items():
                updates = orthogonalised(torch.stack([update for _, update in pairs]))
                # A semi-orthogonal matrix has elements of root mean square max(rows, columns)^-1/2.
                scale = group["lr"] * max(rows, columns) ** 0.5
                for (weight, _), update in zip(pairs, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update.view_as(weight), alpha=-scale)


def optimizers(
    named: Iterable[tuple[str, nn.Parameter]],
    *,
    matrix_rate: float,
    vector_rate: float,
    ends: tuple[str, ...],
) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices; AdamW for vectors and for parameters whose name begins so.

    The layers at a network's ends and its embeddings are look-ups and read-outs rather than maps
    between hidden spaces, where orthogonal steps do harm.
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in named:
        (others if weight.ndim < 2 or name.startswith(ends) else matrices).append(weight)
    return [
        Muon(matrices, matrix_rate),
        torch.optim.AdamW(others, vector_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def set_rates(made: list[torch.optim.Optimizer], factor: float) -> None:
    """Multiply every optimizer's first rate by `factor`."""
    for optimizer in made:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * factor
