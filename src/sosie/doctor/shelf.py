"""Where readings lie between being taken and being judged, and from one examination to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, overload

from sosie.core.records import Record
from sosie.doctor.rule import Family, Unread

RUN = 256
"""Readings of a family that are in memory at once: all of most sets."""
GONE = "what was read of it is no longer kept"
"""Why a picture that was read is not examined."""


class Shelf(Protocol):
    """Where readings are kept, by keys that name content and version."""

    def get(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The texts that are kept under some of the keys."""

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep texts."""


class Memory:
    """A shelf that lasts as long as the examination."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def get(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {key: self._texts[key] for key in keys if key in self._texts}

    def put(self, texts: Mapping[str, str]) -> None:
        self._texts.update(texts)


class Taken(Sequence[Record]):
    """One family's readings of a set, or Unread, in the items' order.

    They lie on the shelf as text and are fetched by the run: as records those of thousands of
    pictures would fill the memory.
    """

    def __init__(self, family: Family, shelf: Shelf) -> None:
        self._family, self._shelf = family, shelf
        self._keys: list[str] = []
        self._unkept: dict[int, Unread] = {}
        self._run: tuple[int, list[Record]] = (0, [])

    def add(self, key: str, unkept: Unread | None) -> None:
        """The next picture's reading: what lies on the shelf under `key`, or what is not kept."""
        if unkept is not None:
            self._unkept[len(self._keys)] = unkept
        self._keys.append(key)
        self._run = (0, [])

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, number: int) -> Record: ...
    @overload
    def __getitem__(self, number: slice) -> list[Record]: ...
    def __getitem__(self, number: int | slice) -> Record | list[Record]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        return self._of(number - number % RUN)[number % RUN]

    def __iter__(self) -> Iterator[Record]:
        for start in range(0, len(self), RUN):
            yield from self._of(start)

    def _of(self, start: int) -> list[Record]:
        if self._run[0] != start or not self._run[1]:
            keys = self._keys[start : start + RUN]
            texts = self._shelf.get([k for n, k in enumerate(keys, start) if n not in self._unkept])
            self._run = (
                start,
                [
                    self._unkept.get(n) or parsed(self._family, texts.get(key))
                    for n, key in enumerate(keys, start)
                ],
            )
        return self._run[1]


def text_of(reading: Record) -> str:
    """A reading as it is kept."""
    return f"{int(isinstance(reading, Unread))}{reading.model_dump_json()}"


def parsed(family: Family, text: str | None) -> Record:
    """The reading again; Unread where nothing is kept."""
    if text is None:
        return Unread(reason=GONE)
    kind = Unread if text[0] == "1" else family.reading
    return kind.model_validate_json(text[1:])
