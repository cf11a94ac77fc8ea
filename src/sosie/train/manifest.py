"""What a run was made of: beside the LoRA in full, inside it without anything private."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from pydantic import ValidationError

from sosie.core.canonical import canonical_json
from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Dataset, Record
from sosie.core.terms import Kind
from sosie.models.diffusion.base import DiffusionBase
from sosie.train.averaging import marked
from sosie.train.config import TrainConfig, first_line
from sosie.train.optim import Weights
from sosie.train.planning import Plan

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")


class TaughtBase(Record):
    """The base, without the folder it lies in."""

    name: str
    family: str
    content_sha256: str
    licence: str


class TaughtPicture(Record):
    """One picture of the dataset."""

    sample: str
    pixels_sha256: str
    caption: str
    withheld: bool
    crops: tuple[tuple[float, float, float, float, int, int], ...]
    """Left, top, right, bottom in the picture; width and height as taught."""


class Manifest(Record):
    """Everything that a run depends on, known before its first step."""

    format: int = 1
    sosie: str
    """Version of the code."""
    name: str
    subject: str
    kind: Kind
    trigger: str
    dataset_sha256: str
    consent_sha256: str
    base: TaughtBase
    config: TrainConfig
    """With every choice made: `steps` and `started` are never None."""
    pictures: tuple[TaughtPicture, ...]
    near_duplicates: tuple[tuple[str, ...], ...]
    """Groups of samples that nearly equal each other."""
    waived: tuple[str, ...]
    """Checks that failed and were waived, with their evidence."""
    environment: dict[str, str]
    """Libraries and machine: what may explain a difference, but is not part of the identity."""

    @property
    def drawn_in(self) -> tuple[int, int] | None:
        """Width and height in which pictures of a handwriting are drawn: those that most notes were
        taught in, for a line is long, and a square would ask the LoRA for what it was never shown.
        None, the base's own, for people."""
        if self.kind == "person":
            return None
        taught = [crop[4:] for p in self.pictures if not p.withheld for crop in p.crops]
        return max(taught, key=taught.count, default=None)

    def identity(self) -> str:
        """SHA-256 over all but `environment`: what the file's header names.

        The same settings on another machine that computes the same weights give the same file.
        """
        content = self.model_dump(mode="json", exclude={"environment"})
        return sha256_bytes(canonical_json(content))

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=1).encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest. Raises BadInput if it cannot be read or holds unknown fields."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BadInput(
                f"{path} is not a run manifest: {first_line(error)}.",
                advice="Name the manifest.json of a run's folder.",
            ) from error


def describe(
    dataset: Dataset, base: DiffusionBase, config: TrainConfig, plan: Plan, consent: str
) -> Manifest:
    """The manifest of a run with these settings; `config` must have its steps and its date."""
    assert config.steps is not None and config.started is not None
    info, items = base.info, dataset.items
    return Manifest(
        sosie=_version("sosie"),
        name=config.name or dataset.subject,
        subject=dataset.subject,
        kind=dataset.kind,
        trigger=dataset.trigger,
        dataset_sha256=dataset.content_sha256(),
        consent_sha256=consent,
        base=TaughtBase(
            # A base may have been named by its folder; where that lies is nobody's business.
            name=Path(info.name).name if Path(info.name).is_absolute() else info.name,
            family=info.family,
            content_sha256=info.content_sha256,
            licence=info.licence,
        ),
        config=config,
        pictures=tuple(
            TaughtPicture(
                sample=item.sample,
                pixels_sha256=item.pixels_sha256,
                caption=item.caption,
                withheld=i in plan.split.withheld,
                crops=tuple(
                    (*v.crop, v.width, v.height) for v in plan.framing.versions if v.item == i
                ),
            )
            for i, item in enumerate(items)
        ),
        near_duplicates=tuple(tuple(items[i].sample for i in g) for g in plan.split.groups),
        waived=tuple(f"{c.name}: {c.evidence}" for c in plan.checks if c.waived),
        environment=_environment(base),
    )


def header(manifest: Manifest, base: DiffusionBase, step: int, weights: Weights) -> dict[str, str]:
    """The header entries of a file exported at `step`: hashes and settings, no caption, no name."""
    c, d = manifest.config, base.info.defaults
    assert c.started is not None
    taught = sum(not p.withheld for p in manifest.pictures)
    summary: dict[str, object] = {
        "sosie": manifest.sosie,
        "base": manifest.base.content_sha256,
        "family": manifest.base.family,
        "seed": c.seed,
        "step": step,
        "steps": c.steps,
        "batch": c.pictures_per_step(),
        "rank": c.rank,
        "alpha": c.alpha,
        "optimizer": c.optimizer,
        "learning_rate": c.learning_rate,
        "pictures": taught,
        "withheld": len(manifest.pictures) - taught,
        "waived": len(manifest.waived),
    }
    return {
        "modelspec.title": manifest.name,
        "modelspec.date": c.started.isoformat(),
        "modelspec.resolution": f"{d.width}x{d.height}",
        "modelspec.trigger_phrase": manifest.trigger,
        "ss_output_name": manifest.name,
        "ss_tag_frequency": canonical_json({"sosie": {manifest.trigger: taught}}).decode(),
        "sosie.manifest": canonical_json(marked(summary, weights)).decode(),
        "sosie.manifest_sha256": manifest.identity(),
        "sosie.consent_sha256": manifest.consent_sha256,
        "sosie.dataset_sha256": manifest.dataset_sha256,
    }


def differences(before: Manifest, after: Manifest) -> list[str]:
    """Where two manifests differ in identity, as names of fields ("config.rank")."""
    left, right = (m.model_dump(mode="json", exclude={"environment"}) for m in (before, after))
    found = [key for key in left if key != "config" and left[key] != right[key]]
    a, b = left["config"], right["config"]
    return found + [f"config.{key}" for key in a if a[key] != b[key]]


def _environment(base: DiffusionBase) -> dict[str, str]:
    return {
        **{name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": base.device.type,
        "dtype": str(base.dtype).removeprefix("torch."),
        "threads": str(torch.get_num_threads()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
