"""Which files are meant: folders are walked, captions are matched to the pictures beside them."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sosie.core.errors import BadInput

SIDECARS = (".txt", ".caption")
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What systems leave in folders and no user has put there, in lower case."""


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and why."""

    file: Path
    reason: str


@dataclass(frozen=True)
class Gathered:
    """The files meant by what the user named, each once."""

    pictures: tuple[Path, ...]
    """Everything that is no caption file: whether it decodes is for the intake to say."""
    captions: dict[Path, str]
    """Caption by picture, from a `.txt` or `.caption` file of the same stem beside it."""
    orphans: tuple[Path, ...]
    """Caption files without a picture beside them."""
    refused: tuple[Refusal, ...]


def gather(paths: Iterable[Path]) -> Gathered:
    """Collect pictures and their captions from files and folders (walked whole, in order).

    Hidden files and what systems litter are passed over. For a picture given by its own name, the
    captions beside it count too.
    Raises BadInput if a path does not exist, a folder holds no picture, or a picture has two
    caption files that differ.
    """
    pictures: dict[Path, None] = {}
    sidecars: dict[Path, None] = {}
    refused: list[Refusal] = []
    seen: set[Path] = set()
    for path in paths:
        before = len(pictures) + len(refused)
        again: list[Path] = []
        for file in _files(path, refused, seen, again):
            (sidecars if file.suffix.lower() in SIDECARS else pictures)[file] = None
        if path.is_dir() and not again and len(pictures) + len(refused) == before:
            raise BadInput(
                f"The folder {path} holds no pictures.",
                advice="Name the folder that does, or the files themselves.",
            )
    for picture in pictures:
        for sidecar in _beside(picture):
            sidecars.setdefault(sidecar, None)
    texts = _texts(sidecars, refused)
    captions, matched = _match(pictures, texts)
    bad = {refusal.file for refusal in refused}
    orphans = tuple(file for file in sidecars if file not in matched and file not in bad)
    return Gathered(tuple(pictures), captions, orphans, tuple(refused))


def read_caption(file: Path) -> str:
    """The text of a caption file: UTF-8, or UTF-16 with a byte-order mark; outer blanks cut.

    Raises BadInput if it is in another encoding, is empty or cannot be read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not UTF-8.", advice="Save it as UTF-8.") from error
    if "\0" in text:
        raise BadInput(
            f"{file} holds zero bytes: perhaps UTF-16 without a byte-order mark.",
            advice="Save it as UTF-8.",
        )
    text = "\n".join(text.splitlines()).strip()
    if not text:
        raise BadInput(f"{file} is empty.", advice="Write a caption into it, or delete it.")
    return text


def _files(
    path: Path, refused: list[Refusal], seen: set[Path], again: list[Path]
) -> Iterator[Path]:
    """The files at or below `path`, none twice: `seen` holds where links ended, files and folders.

    What was seen before goes to `again`, what cannot be reached to `refused`.
    """
    if not path.exists():
        raise BadInput(f"There is no file or folder {path}.", advice="Check the spelling.")
    # By its end, since a link to a folder that holds it would lead round for ever.
    end = path.resolve()
    if end in seen:
        again.append(path)
        return
    seen.add(end)
    if not path.is_dir():
        yield path
        return
    try:
        entries = sorted(path.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        refused.append(Refusal(path, f"{path} cannot be read: {error.strerror}."))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _LITTER:
            continue
        if entry.is_symlink() and not entry.exists():
            reason = f"{entry} leads to {entry.readlink()}, which is not there."
            refused.append(Refusal(entry, reason))
        else:
            yield from _files(entry, refused, seen, again)


def _beside(picture: Path) -> list[Path]:
    named = (picture.with_suffix(suffix) for suffix in SIDECARS)
    return [file for file in named if file.is_file()]


def _texts(sidecars: Iterable[Path], refused: list[Refusal]) -> dict[Path, str]:
    texts = {}
    for file in sidecars:
        try:
            texts[file] = read_caption(file)
        except BadInput as error:
            refused.append(Refusal(file, str(error)))
    return texts


def _match(pictures: Iterable[Path], texts: dict[Path, str]) -> tuple[dict[Path, str], set[Path]]:
    by_stem: dict[Path, list[Path]] = {}
    for file in texts:
        by_stem.setdefault(file.with_suffix(""), []).append(file)
    captions: dict[Path, str] = {}
    matched: set[Path] = set()
    for picture in pictures:
        files = by_stem.get(picture.with_suffix(""), [])
        if len({texts[file] for file in files}) > 1:
            raise BadInput(
                f"{picture.name} has two captions that differ: " + " and ".join(map(str, files)),
                advice="Delete one of them, or make them equal.",
            )
        if files:
            captions[picture] = texts[files[0]]
            matched.update(files)
    return captions, matched
