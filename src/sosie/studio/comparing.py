"""Pictures against pictures, without a model: does one folder copy another?"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sosie.core.errors import BadInput, UnreadablePicture, WeightsRefused
from sosie.core.files import sha256_bytes, write_atomically
from sosie.core.records import Record, configured, now
from sosie.registry import Registry
from sosie.registry.gather import SIDECARS
from sosie.studio import filing

if TYPE_CHECKING:
    from sosie.audit.copying import Copying, Match, Shot
    from sosie.audit.copying.look import Figure
    from sosie.audit.copying.rights import Row, Status
    from sosie.models.faces import Picture

PASSED_OVER = (*SIDECARS, ".csv", ".html", ".json", ".safetensors")
"""Files that lie beside pictures and are none."""
LOOKED_AT = 10_000
"""Generated pictures that are looked at: of more, a random sample tells a share as well."""
REFERENCES = 20_000
"""References that can be searched: of these none may be left out."""

OnPicture = Callable[[str, int, int | None], None]


class Side(Record):
    """A folder of pictures, as it was looked at."""

    folder: str
    files: int
    """Files in it, those included that are no pictures."""
    looked_at: int
    contents_sha256: str
    """Over names and contents of the files that were looked at."""


class Comparison(Record):
    """A search of copies in one folder of another's pictures."""

    generated: Side
    references: Side
    held_out: Side | None
    copying: Any
    """The record `sosie.audit.copying.Copying`."""
    rights: tuple[Any, ...]
    """A row (`sosie.audit.copying.rights.Row`) for each status."""
    taken: datetime


@dataclass(frozen=True)
class Compared:
    """What a comparison found."""

    copying: Copying
    rights: tuple[Row, ...]
    signed: str
    """JSON, signed."""
    page: str
    """HTML."""


class Folder:
    """The files of a folder, read one at a time; what was read is remembered by its hash."""

    def __init__(self, folder: Path, *, at_most: int, seed: int | None) -> None:
        if not folder.is_dir():
            raise BadInput(f"There is no folder {folder}.", advice="Check the spelling.")
        self.folder = folder
        # Names as text: a million of them are a tenth of a gigabyte, as paths they are a whole one.
        names = sorted(_names(str(folder)))
        if not names:
            raise BadInput(f"The folder {folder} holds no pictures.")
        self.files = len(names)
        if len(names) > at_most:
            if seed is None:
                raise BadInput(
                    f"{folder} holds {len(names):,} files, and {at_most:,} references can be "
                    "searched.",
                    advice="Split it, and compare with each part.",
                )
            names = sorted(random.Random(seed).sample(names, at_most))
        self.names = names
        self.reserved: set[str] = set()
        """Of those that were read, files that say that they may not be mined."""
        self._hashes: dict[str, str] = {}

    def read(self, name: str) -> Picture:
        """(H, W, 3) bytes of one file. Raises UnreadablePicture."""
        import numpy as np

        from sosie.registry.intake import read_bytes, upright

        data = read_bytes(self.folder / name)
        self._hashes[name] = sha256_bytes(data)
        if reserved(data, name):
            self.reserved.add(name)
        return np.asarray(upright(data, name))

    def shots(self) -> list[Shot]:
        """The files as the audit takes them."""
        from sosie.audit.copying import Shot

        def shot(name: str) -> Shot:
            return Shot(name, lambda: self.read(name))

        return [shot(name) for name in self.names]

    def side(self) -> Side:
        """What was looked at."""
        lines = (f"{self._hashes[name]} {name}\n" for name in self.names if name in self._hashes)
        return Side(
            folder=str(self.folder),
            files=self.files,
            looked_at=len(self._hashes),
            contents_sha256=sha256_bytes("".join(lines).encode("utf-8", "surrogateescape")),
        )


def compare(
    registry: Registry,
    pictures: Path,
    against: Path,
    *,
    held_out: Path | None,
    statuses: Path | None,
    on_picture: OnPicture,
    **settings: Any,
) -> Compared:
    """Search `pictures` for copies of those in `against`, by thresholds from `held_out`."""
    from sosie.audit.copying import Config, page, search
    from sosie.audit.copying import rights as owned

    config = configured(Config, settings)
    _apart(pictures, against, *([] if held_out is None else [held_out]))
    made = Folder(pictures, at_most=LOOKED_AT, seed=config.seed)
    taught = Folder(against, at_most=REFERENCES, seed=None)
    others = None if held_out is None else Folder(held_out, at_most=LOOKED_AT, seed=config.seed)
    named = statuses_of(statuses, taught.names)
    found = search(
        made.shots(),
        taught.shots(),
        () if others is None else others.shots(),
        config=config,
        figure=figure(),
        on_picture=lambda what, done, of: on_picture(
            what, done, len(made.names) if what == "generated" else of
        ),
    )
    if made.files > len(made.names):
        line = f"Of {made.files:,} files in {pictures}, {len(made.names):,} were drawn at random."
        found = found.model_copy(update={"remarks": (*found.remarks, line)})
    unread = found.unreadable_references
    readable = [name for name in taught.names if name not in unread]
    said: dict[str, Status] = dict.fromkeys(taught.reserved, "mining reserved")
    rows = owned.table(readable, found.reproduced_references, said | named, found.near_duplicates)
    report = Comparison(
        generated=made.side(),
        references=taught.side(),
        held_out=None if others is None else others.side(),
        copying=found,
        rights=rows,
        taken=now(),
    )

    def pair(match: Match) -> tuple[Picture, Picture]:
        return taught.read(match.reference), made.read(match.made)

    about = f"{pictures} against {against}, {report.taken:%Y-%m-%d}"
    return Compared(
        copying=found,
        rights=rows,
        signed=filing.signed(registry, report, report.taken).text(),
        page=page.render(found, rows, pair, about=about),
    )


def _apart(*folders: Path) -> None:
    """Folders are read with all that lies below. Raises BadInput if one is or holds another."""
    for one, other in permutations(folders, 2):
        if one.resolve().is_relative_to(other.resolve()):
            raise BadInput(
                f"{one} lies in {other}: every picture there would be its own copy."
                if one.resolve() != other.resolve()
                else f"{one} cannot be compared with itself: every picture is its own copy.",
                advice="Give folders of which none holds another.",
            )


def write(compared: Compared, page: Path) -> Path:
    """Write the page, and the signed JSON beside it; gives the latter's place."""
    record = page.with_suffix(".json")
    write_atomically(page, compared.page.encode())
    write_atomically(record, compared.signed.encode() + b"\n")
    return record


def _names(folder: str, below: str = "") -> Iterator[str]:
    """Names of files in a folder and below it, relative; links to folders are not followed."""
    with os.scandir(os.path.join(folder, below)) as entries:  # noqa: PTH118 (text, not paths)
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _names(folder, f"{name}/")
            elif not name.lower().endswith(PASSED_OVER):
                yield name


def statuses_of(file: Path | None, names: Sequence[str]) -> dict[str, Status]:
    """What the table in `file` says of the rights of pictures. Raises BadInput."""
    from sosie.audit.copying.rights import read_statuses

    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read as a UTF-8 table.") from error
    return read_statuses(text, set(names))


def reserved(data: bytes, name: str) -> bool:
    """Whether a picture file's own metadata say that it may not be mined, or not be taught with."""
    from sosie.registry.intake import head
    from sosie.rights import xmp

    try:
        _, packet = head(data, name)
    except UnreadablePicture:
        return False
    return xmp.reserved(xmp.read(packet).data_mining)


def figure() -> Figure | None:
    """What tells people from backgrounds, where it is installed."""
    import numpy as np

    from sosie.models.mask import person_mask

    try:
        person_mask(np.zeros((32, 32, 3), np.uint8))
    except WeightsRefused:
        return None
    return person_mask
