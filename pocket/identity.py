"""Train the identity network that judges the demo; compare judges on people none learned from.

    python -m pocket.identity crops FOLDER      draw people of the world, keep their aligned faces
    python -m pocket.identity train FOLDER      train on them, write the package's weights
    python -m pocket.identity compare           SFace and the trained network, on 100 other people

The people are numbered by the seeds of `sosie.world`; learning and comparing take disjoint ranges,
and the pictures that pocket learns from may be those that this network learns from: what it must
never see are the people of the figures.

Loss: CosFace (Wang et al. 2018, arXiv:1801.09414), the softmax of scaled cosines with a margin
taken from the right person's.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from scipy.stats import rankdata
from torch import Tensor, nn

from pocket.schedule import Log, rate
from sosie.audit import rank
from sosie.core.files import save_atomically
from sosie.models import faces
from sosie.models.identity import SIZE, WEIGHTS, IdentityNet, judge, to_input
from sosie.world.people import person
from sosie.world.photo import photo

LEARN = range(1_000_000, 1_001_500)
"""Seeds of the people it learns from."""

COMPARE = range(2_000_000, 2_000_100)
"""Seeds of the people judges are compared on."""

PICTURES = 10
"""Pictures drawn of each person to learn from, at ages from 18 to 80."""

BATCH = 128
EPOCHS = 14
RATE = 2e-3
SCALE = 30.0
MARGIN = 0.25
TEMPLATE = 5
"""Pictures in a template of the gallery."""


def write_crops(folder: Path) -> None:
    """Draw the people of `LEARN` and keep aligned faces, (N, 112, 112, 3), and who they show."""
    crops, who = [], []
    for index, seed in enumerate(LEARN):
        ages = np.random.default_rng([seed, 2]).integers(18, 81, PICTURES)
        for number, age in enumerate(ages):
            picture = photo(person(seed), seed=seed * 1000 + number, age=int(age)).picture
            found = faces.find_faces(picture)
            if found:
                crops.append(faces.aligned(picture, found[0]))
                who.append(index)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "crops.npz", crops=np.stack(crops), who=np.array(who))
    print(f"{len(crops)} faces in {len(LEARN) * PICTURES} pictures")


def train(folder: Path, *, epochs: int = EPOCHS) -> None:
    """Train on the crops of `folder` and write the network, in half precision, into the package."""
    torch.manual_seed(0)
    with np.load(folder / "crops.npz") as file:
        crops, who = file["crops"], torch.from_numpy(file["who"])
    network = IdentityNet().to(memory_format=torch.channels_last)
    centres = nn.Parameter(torch.randn(int(who.max()) + 1, SIZE))
    parameters = [*network.parameters(), centres]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=5e-2)
    steps = epochs * (len(who) // BATCH)
    log = Log(folder / "identity.jsonl")
    for step, rows in enumerate(_batches(len(who), steps)):
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate(step, steps=steps, warmup=100, decay_share=0.7)
        pixels = augmented(to_input(crops[rows.numpy()]))
        with torch.autocast("cpu", torch.bfloat16):
            vectors = network(pixels.contiguous(memory_format=torch.channels_last))
        loss = margin_loss(vectors.float(), centres, who[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            log(step=step, steps=steps, loss=loss.item())
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    half = {key: v.half() if v.is_floating_point() else v for key, v in state.items()}
    target = Path(__file__).parents[1] / "src" / "sosie" / "models" / "data" / WEIGHTS
    save_atomically(target, lambda path: save_file(half, path))


def margin_loss(vectors: Tensor, centres: Tensor, who: Tensor) -> Tensor:
    """CosFace: the cross-entropy of `SCALE` * (cosine less `MARGIN` where the person is right)."""
    cosines = vectors @ F.normalize(centres, dim=1).T
    return F.cross_entropy(SCALE * (cosines - MARGIN * F.one_hot(who, len(centres))), who)


def augmented(pixels: Tensor) -> Tensor:
    """What differs between a drawn photo and a generated one: light, softness, place, noise.

    Each row of (B, 3, H, W) in [-1, 1] gets its own mirror, light and place; softness is the
    batch's.
    """
    count, _, height, width = pixels.shape
    mirrored = torch.rand(count) < 0.5
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
    turn = (torch.rand(count) - 0.5) * math.radians(16)
    zoom = 1 + (torch.rand(count) - 0.5) * 0.16
    shift = (torch.rand(count, 2) - 0.5) * 0.12
    cosine, sine = zoom * turn.cos(), zoom * turn.sin()
    rows = [cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(count, 2, 3), [count, 3, height, width], False)
    pixels = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    gain = 1 + (torch.rand(count, 3, 1, 1) - 0.5) * 0.2 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.4
    pixels = pixels * gain + (torch.rand(count, 1, 1, 1) - 0.5) * 0.3
    if torch.rand(()) < 0.5:
        side = int(torch.randint(32, 90, ()))
        small = F.interpolate(pixels, (side, side), mode="area")
        pixels = F.interpolate(small, (height, width), mode="bilinear")
    return (pixels + torch.randn_like(pixels) * 0.1 * torch.rand(count, 1, 1, 1)).clamp(-1, 1)


def _batches(count: int, steps: int) -> Iterator[Tensor]:
    """Row numbers of `steps` batches: one shuffled pass after another."""
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < BATCH:
            order = torch.randperm(count)
        yield order[:BATCH]
        order = order[BATCH:]


def compare(embed: faces.Embedder, *, span: int = 0, seed: int = 0) -> dict[str, float]:
    """How well `embed` knows the people of `COMPARE` again, within `span` years of one age each.

    Gives the share of pictures with a face, the area under the ROC curve of all pairs (the
    Mann-Whitney statistic), mean cosines of pairs of one and of two people, and the rank-1 share of
    other pictures against templates of `TEMPLATE` pictures.
    """
    draw = np.random.default_rng(seed)
    gallery: dict[str, list[NDArray[np.float32]]] = {}
    queries: dict[str, list[NDArray[np.float32] | None]] = {}
    for who in COMPARE:
        age = int(draw.integers(25, 70))
        vectors = []
        for number in range(2 * TEMPLATE):
            years = age + int(draw.integers(-span, span + 1))
            vectors.append(embed(photo(person(who), seed=who * 1000 + number, age=years).picture))
        gallery[str(who)] = [v for v in vectors[:TEMPLATE] if v is not None]
        queries[str(who)] = vectors[TEMPLATE:]
    ranked = rank(queries, gallery)
    same, other = _pairs(queries)
    places = rankdata(np.concatenate([same, other]))[: len(same)]
    area = (places.sum() - len(same) * (len(same) + 1) / 2) / (len(same) * len(other))
    return {
        "faces": 1 - ranked.without_face / ranked.rank1.n,
        "auc": float(area),
        "genuine": float(same.mean()),
        "stranger": float(other.mean()),
        "rank1": ranked.rank1.value,
    }


def _pairs(
    pictures: dict[str, list[NDArray[np.float32] | None]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines of all pairs of pictures of one person, and of two."""
    found = [(who, v) for who, vectors in pictures.items() for v in vectors if v is not None]
    names = np.array([who for who, _ in found])
    vectors = np.stack([vector for _, vector in found])
    first, second = np.triu_indices(len(found), 1)
    cosines = (vectors @ vectors.T)[first, second]
    alike = names[first] == names[second]
    return cosines[alike], cosines[~alike]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("act", choices=["crops", "train", "compare"])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/identity"))
    given = parser.parse_args()
    if given.act == "crops":
        write_crops(given.folder)
    elif given.act == "train":
        train(given.folder)
    else:
        for embed in (faces.identity, judge()):
            for span in (0, 20):
                print(embed.name, f"±{span} years", compare(embed, span=span))


if __name__ == "__main__":
    main()
