"""Plain, Hadamard (LoHa) and Kronecker (LoKr) factors, all as exact low-rank products B·A.

LyCORIS: Yeh et al. 2023, arXiv:2309.14859, section 3. Both of its products are rewritten without
rounding anything away, by the mixed-product rules, so no decomposition has to be computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sosie.core.errors import WeightsRefused

Factors = tuple[Tensor, Tensor]
"""(A, B): (r, in) and (out, r), fp32."""

_PLAIN = {"down", "up"}
_LOHA = {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}
_LOKR_SIDES = tuple(({f"lokr_w{n}"}, {f"lokr_w{n}_a", f"lokr_w{n}_b"}) for n in (1, 2))
_LOKR = tuple(first | second for first in _LOKR_SIDES[0] for second in _LOKR_SIDES[1])


def factorise(
    path: Path, name: str, parts: Mapping[str, Tensor], scale: float
) -> tuple[Tensor, Tensor, str]:
    """A (r, in), B (out, r) with `scale` in it, and what the file had: "LoRA", "LoHa" or "LoKr".

    Kernels of convolutions are flattened into `in`. Raises WeightsRefused if a part is missing,
    superfluous or of an impossible shape.
    """
    have = parts.keys() - {"alpha"}
    try:
        if have == _PLAIN:
            a, b, kind = _matrix(parts["down"]), _matrix(parts["up"]), "LoRA"
        elif have == _LOHA:
            a, b = _hadamard(*(_pair(parts, f"hada_w{n}") for n in (1, 2)))
            kind = "LoHa"
        elif have in _LOKR:
            a, b = _kronecker(*(_pair(parts, f"lokr_w{n}") for n in (1, 2)))
            kind = "LoKr"
        else:
            raise WeightsRefused(
                f'{path}: "{name}" is incomplete or mixed, it has only: {", ".join(sorted(parts))}.'
            )
        if a.shape[0] != b.shape[1] or not a.numel() or not b.numel():
            raise ValueError("ranks differ")
    except (ValueError, RuntimeError, IndexError) as error:
        shapes = ", ".join(f"{part} {tuple(t.shape)}" for part, t in sorted(parts.items()))
        raise WeightsRefused(f'{path}: the shapes of "{name}" do not go together: {shapes}.') from (
            error
        )
    return a, b * scale, kind


def own_rank(parts: Mapping[str, Tensor]) -> int | None:
    """The rank that α is divided by, or None where a full LoKr has none (its scale is 1)."""
    for part in ("down", "hada_w1_b", "lokr_w2_b", "lokr_w1_b"):
        if part in parts and parts[part].ndim:
            return parts[part].shape[0]
    return None


def unfolded_numbers(parts: Mapping[str, Tensor]) -> int:
    """How many numbers A and B of LyCORIS factors will hold multiplied out; 0 for plain ones."""
    for kind, multiply in (("hada", _hadamard), ("lokr", _kronecker)):
        if any(part.startswith(kind) for part in parts):
            try:
                on_paper = {part: tensor.to("meta") for part, tensor in parts.items()}
                a, b = multiply(*(_pair(on_paper, f"{kind}_w{n}") for n in (1, 2)))
            except (KeyError, ValueError, RuntimeError, IndexError):
                return 0  # `factorise` says what is wrong with it
            return a.numel() + b.numel()
    return 0


def _matrix(tensor: Tensor) -> Tensor:
    """fp32 and two-dimensional: what follows the first axis is flattened."""
    return tensor.float().flatten(1)


def _pair(parts: Mapping[str, Tensor], stem: str) -> Factors:
    """A LyCORIS factor M as (A, B) with M = B·A; a whole one pairs with an identity."""
    if stem in parts:
        whole = _matrix(parts[stem])
        if whole.shape[0] <= whole.shape[1]:
            return whole, torch.eye(whole.shape[0], device=whole.device)
        return torch.eye(whole.shape[1], device=whole.device), whole
    return _matrix(parts[f"{stem}_b"]), _matrix(parts[f"{stem}_a"])


def _hadamard(first: Factors, second: Factors) -> Factors:
    """(B₁A₁) ∘ (B₂A₂) = B·A, with all products of a row of A₁ and one of A₂ as the rows of A."""
    (a1, b1), (a2, b2) = first, second
    a = (a1[:, None, :] * a2[None, :, :]).flatten(0, 1)
    b = (b1[:, :, None] * b2[:, None, :]).flatten(1)
    return a, b


def _kronecker(first: Factors, second: Factors) -> Factors:
    """(B₁A₁) ⊗ (B₂A₂) = (B₁ ⊗ B₂)·(A₁ ⊗ A₂)."""
    (a1, b1), (a2, b2) = first, second
    return torch.kron(a1, a2), torch.kron(b1, b2)
