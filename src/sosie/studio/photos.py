"""The pictures of a run, as its base could give them back at best: cropped as they were taught, and
once through its autoencoder. So a base that blurs is not acquitted of copying by its blur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.errors import BadInput
from sosie.registry import Registry
from sosie.studio import comparing

if TYPE_CHECKING:
    from sosie.audit.copying import Shot, Taught
    from sosie.audit.copying.rights import Status
    from sosie.core.consent import Consent
    from sosie.core.records import Sample
    from sosie.models.diffusion.base import DiffusionBase
    from sosie.models.faces import Picture
    from sosie.train import Manifest
    from sosie.train.cache import Lesson
    from sosie.train.crops import Window
    from sosie.train.manifest import TaughtPicture


class Photos:
    """The pictures of a run, as its base could give them back at best."""

    def __init__(self, registry: Registry, base: DiffusionBase, manifest: Manifest) -> None:
        self._registry, self._base, self._manifest = registry, base, manifest
        self._samples = {one.picture_sha256: one for one in registry.samples(manifest.subject)}
        there = [p for p in manifest.pictures if registry.blobs.path(p.sample).is_file()]
        self.gone = sum(not p.withheld for p in manifest.pictures) - sum(
            not p.withheld for p in there
        )
        self._first = {one: group[0] for group in manifest.near_duplicates for one in group}
        """The first of each group of near-duplicates, by each of them."""
        self._named: dict[str, TaughtPicture] = {}
        """Pictures by file name, those of an equal one by a part of their hash too."""
        for picture in there:
            sample = self._samples.get(picture.sample)
            name = sample.file_name if sample else picture.sample[:12]
            taken = name in self._named
            self._named[f"{name} ({picture.sample[:8]})" if taken else name] = picture
        if not self.names:
            raise BadInput(f"None of the pictures that taught {manifest.name} is on file any more.")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the pictures that were taught."""
        return tuple(name for name, picture in self._named.items() if self._taught(picture))

    def shots(self, *, withheld: bool) -> list[Shot]:
        """The pictures that were taught, or those that were withheld."""
        from sosie.audit.copying import Shot

        return [
            Shot(name, partial(self.best, name))
            for name, picture in self._named.items()
            if (picture.withheld if withheld else self._taught(picture))
        ]

    @property
    def captions(self) -> dict[str, str]:
        """The caption that each picture was taught by, by name."""
        return {name: picture.caption for name, picture in self._named.items()}

    def others(self, folder: comparing.Folder | None) -> Iterator[Shot]:
        """Pictures of a folder that nothing was taught with."""
        from sosie.audit.copying import Shot

        if folder is None:
            return
        for name in folder.names:
            yield Shot(name, partial(self._like, folder, name))

    def rights(self, table: Path | None, consent: Consent) -> dict[str, Status]:
        """What is known of the rights of each taught picture: what the table says; else whether its
        own metadata reserve it from mining; else whether the permission names who holds its
        copyright."""
        given = comparing.statuses_of(table, self.names)
        terms = consent.bounds
        holders = {one.original_sha256: one.copyright_holder for one in terms.pictures}
        found: dict[str, Status] = {}
        for name in self.names:
            sample = self._samples.get(self._named[name].sample)
            own = holders.get(sample.original_sha256) if sample else None
            if name in given:
                found[name] = given[name]
            elif sample and self._reserved(sample):
                found[name] = "mining reserved"
            else:
                found[name] = "consent on file" if own or terms.copyright_holder else "unknown"
        return found

    def _reserved(self, sample: Sample) -> bool:
        original = self._registry.blobs.path(sample.original_sha256)
        return original.is_file() and comparing.reserved(original.read_bytes(), sample.file_name)

    def taught(self, said: Mapping[str, Status]) -> tuple[Taught, ...]:
        """What training saw, for the record."""
        from sosie.audit.copying import Taught

        samples = {name: self._named[name].sample for name in said}
        numbers: dict[str, int] = {}
        for sample in samples.values():
            numbers.setdefault(self._first.get(sample, sample), len(numbers))
        return tuple(
            Taught(
                sample=sample,
                name=name,
                shot=numbers[self._first.get(sample, sample)],
                rights=said[name],
            )
            for name, sample in samples.items()
        )

    def best(self, name: str) -> Picture:
        """A picture as the base could give it back at best."""
        from PIL import Image

        picture = self._named[name]
        with Image.open(self._registry.blobs.path(picture.sample)) as image:
            return self._through(image, *self._crop(picture))

    def as_taught(self, name: str) -> Picture:
        """A picture as it was cropped, for people to look at."""
        import numpy as np
        from PIL import Image

        box, size = self._crop(self._named[name])
        with Image.open(self._registry.blobs.path(self._named[name].sample)) as image:
            return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))

    def withheld(self, name: str) -> bool:
        """Whether training never saw a picture."""
        return self._named[name].withheld

    def lessons(self) -> dict[str, Lesson]:
        """One picture of each shot as it was taught, by name, and those that were withheld."""
        from sosie.train.cache import Lesson
        from sosie.train.crops import Version

        found, seen = {}, set()
        for number, (name, picture) in enumerate(self._named.items()):
            shot = self._first.get(picture.sample, picture.sample)
            if not picture.crops or shot in seen:
                continue
            seen.add(shot)
            crop, (width, height) = self._crop(picture)
            found[name] = Lesson(
                picture=number,
                path=self._registry.blobs.path(picture.sample),
                pixels_sha256=picture.pixels_sha256,
                caption=picture.caption,
                version=Version(item=number, crop=crop, width=width, height=height),
            )
        return found

    def given_back(self, rgb: Picture) -> Picture:
        """Any other picture, cut about its middle to the base's own shape."""
        from PIL import Image

        image = Image.fromarray(rgb)
        return self._through(image, *self._middle(image.size))

    def _like(self, folder: comparing.Folder, name: str) -> Picture:
        return self.given_back(folder.read(name))

    @staticmethod
    def _taught(picture: TaughtPicture) -> bool:
        return not picture.withheld and bool(picture.crops)

    def _crop(self, picture: TaughtPicture) -> tuple[Window, tuple[int, int]]:
        """The widest crop that was taught, and its size."""
        from PIL import Image

        if picture.crops:
            left, top, right, bottom, width, height = max(
                picture.crops, key=lambda crop: crop[2] - crop[0]
            )
            return (left, top, right, bottom), (width, height)
        with Image.open(self._registry.blobs.path(picture.sample)) as image:
            return self._middle(image.size)

    def _middle(self, size: tuple[int, int]) -> tuple[Window, tuple[int, int]]:
        from sosie.train.crops import window

        usual = self._base.info.defaults
        box = window(size, usual.width / usual.height, None)
        assert box is not None, "nothing has to be kept"
        return box, (usual.width, usual.height)

    def _through(self, image: Any, box: Window, size: tuple[int, int]) -> Picture:
        """A part of a picture at a size, once through the autoencoder."""
        import numpy as np
        import torch
        from PIL import Image

        cut = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box)
        pixels = torch.from_numpy(np.array(cut, np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            code = self._base.encode_pixels(pixels.to(self._base.device, self._base.dtype))
            back = self._base.decode(code)[0].float().cpu().permute(1, 2, 0)
        return np.asarray(((back + 1) * 127.5).round().clamp(0, 255), np.uint8)
