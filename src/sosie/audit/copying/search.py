"""Do generated pictures copy references, how often, and how sure is that?"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from sosie.audit.copying.calibration import thresholds
from sosie.audit.copying.evidence import Part, compare
from sosie.audit.copying.look import Figure, look
from sosie.audit.copying.records import (
    REPRODUCED,
    Config,
    Copying,
    Null,
    Shot,
    Threshold,
)
from sosie.audit.copying.references import References, Seen
from sosie.audit.copying.tally import Tally, kind_of
from sosie.audit.intervals import Interval, share_interval
from sosie.core.errors import BadInput, SosieError
from sosie.models.faces import Picture

DARK, LIGHT = 20, 255
"""Grey levels of a planted copy's bar and frame."""


def search(
    generated: Iterable[Shot],
    references: Sequence[Shot],
    held_out: Sequence[Shot] = (),
    *,
    base: Iterable[Shot] = (),
    config: Config | None = None,
    figure: Figure | None = None,
    on_picture: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> Copying:
    """Look for copies of `references` among `generated`; both may show anything.

    Thresholds come from `held_out`, pictures like the references that nothing was taught with, or
    without them from the references among themselves; and from `base`, pictures of the model
    without the LoRA at the same prompts and seeds. `figure` tells people from backgrounds.
    `generated` is read once, one at a time. `on_picture` hears what is looked at, how many are
    done, and of how many if that is known.

    Raises BadInput if no reference or no generated picture can be read.
    """
    config = config or Config()
    known = References(
        references,
        figure=figure,
        on_picture=lambda done, of: on_picture("references", done, of),
    )
    if not len(known):
        why = _first(known.unreadable.values())
        raise BadInput("None of the references can be read.", advice=why)
    unreadable = list(known.unreadable.values())
    leaked, null, name = _null(known, held_out, unreadable, on_picture)
    # Thresholds first: what is generated is then judged as it comes, and not kept.
    on_base = _seen(known, base, on_picture)
    limits = thresholds(null, config.false_positives, base=[seen.scores for _, seen in on_base])
    controls = _controls(known, limits, config.controls)
    tally = Tally(known, limits, null, on_base)
    for number, shot in enumerate(generated, 1):
        try:
            tally.add(shot, known.see(shot.read()))
        except SosieError as error:
            tally.unseen.append(shot)
            unreadable.append(str(error))
        on_picture("generated", number, None)
    if not tally.count:
        raise BadInput("None of the generated pictures can be read.", advice=_first(unreadable))
    return tally.result(
        null=name,
        controls=controls,
        leaked=leaked,
        unreadable=unreadable,
        config=config,
    )


def gives_back(
    reference: Picture, made: Picture, limits: Mapping[Part, Threshold], figure: Figure | None
) -> bool:
    """Whether one picture reproduces one reference, by thresholds of an earlier search."""
    other = look(made, figure=figure)
    one = look(reference, other.shape, figure=figure)
    return kind_of(compare(one, other), limits) in REPRODUCED


def planted(rgb: Picture, number: int) -> Picture:
    """A copy as one would come back: cut by up to 6%, toned, blurred and saved at JPEG quality 50.

    Every third is mirrored, and of ten one has a bar below, one a frame, and one another corner.
    Equal arguments give equal bytes.
    """
    import cv2

    draw = np.random.default_rng(number)
    height, width = rgb.shape[:2]
    left, top, right, bottom = (draw.uniform(0, 0.03, 4) * (width, height, width, height)).astype(
        int
    )
    cut = rgb[top : height - bottom, left : width - right]
    light = np.linspace(0, 1, 256) ** draw.uniform(0.8, 1.25) * 255
    toned = cv2.LUT(np.ascontiguousarray(cut), np.round(light).astype(np.uint8))
    soft = np.asarray(cv2.GaussianBlur(toned, (0, 0), max(width, height) / 400), np.uint8)
    changed = _changed(soft[:, ::-1] if number % 3 == 2 else soft, number)
    file = io.BytesIO()
    Image.fromarray(changed).save(file, "JPEG", quality=50)
    with Image.open(file) as saved:
        return np.asarray(saved.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))


def _changed(rgb: Picture, number: int) -> Picture:
    """As it is, or with a bar, a frame, or the opposite corner laid over one."""
    changed = np.array(rgb)
    high, wide = (side // 8 for side in rgb.shape[:2])
    if number % 10 == 6:
        changed[-high:] = DARK
    elif number % 10 == 7:
        changed = np.pad(rgb, ((high, high), (wide, wide), (0, 0)), constant_values=LIGHT)
    elif number % 10 == 9:
        changed[: 3 * high, : 3 * wide] = rgb[::-1, ::-1][: 3 * high, : 3 * wide]
    return changed


def _null(
    known: References,
    held_out: Sequence[Shot],
    unreadable: list[str],
    on_picture: Callable[[str, int, int | None], None],
) -> tuple[list[str], list[dict[Part, float]], Null]:
    """Held-out pictures that leaked, and the scores of pictures that cannot be copies; why held-out
    ones could not be read is put into `unreadable`."""
    if held_out:
        leaked: list[str] = []
        null = []
        for number, shot in enumerate(held_out, 1):
            try:
                rgb = shot.read()
            except SosieError as error:
                unreadable.append(str(error))
                continue
            if known.holds(rgb):
                leaked.append(shot.name)
            else:
                null.append(known.see(rgb).scores)
            on_picture("held-out", number, len(held_out))
        return leaked, null, "held-out pictures"
    null = []
    if len(known.clusters) > 1:
        for number, group in enumerate(known.clusters, 1):
            null.append(known.see(known.shots[group[0]].read(), without=group).scores)
            on_picture("comparing references", number, len(known.clusters))
    return [], null, "the references among themselves"


def _seen(
    known: References,
    shots: Iterable[Shot],
    on_picture: Callable[[str, int, int | None], None],
) -> list[tuple[Shot, Seen]]:
    """The base's own pictures against the references."""
    seen = []
    for number, shot in enumerate(shots, 1):
        seen.append((shot, known.see(shot.read())))
        on_picture("base", number, None)
    return seen


def _controls(known: References, limits: dict[Part, Threshold], count: int) -> Interval | None:
    """The share of planted copies that are found, of references from all over the list; of few
    references several copies each."""
    chosen = np.linspace(0, len(known) - 1, count).round().astype(int).tolist()
    found = 0
    for number, which in enumerate(chosen):
        seen = known.see(planted(known.shots[which].read(), number))
        found += any(kind_of(e, limits) in REPRODUCED for e in seen.closest.values())
    return share_interval(found, count)


def _first(unreadable: Iterable[str]) -> str | None:
    return next(iter(unreadable), None)
