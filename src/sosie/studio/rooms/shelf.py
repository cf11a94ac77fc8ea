"""Verbs of models: the bases there are, and LoRAs that come in and go out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput
from sosie.core.files import write_atomically
from sosie.core.records import Adapter, now
from sosie.core.terms import PROGRAMS, Program
from sosie.studio import drawing, permission, releasing, verifying
from sosie.studio.moving import cover_of, label_of, sidecars
from sosie.studio.rooms.room import Room

if TYPE_CHECKING:
    from sosie.models.diffusion.resolve import BaseRow


class Shelf(Room):
    """Base models and LoRA files."""

    def bases(self) -> tuple[BaseRow, ...]:
        """The base models that have a name, and where each lies."""
        from sosie.models.diffusion.resolve import listing

        return listing()

    def import_adapter(
        self, file: Path, *, subject: str, name: str | None = None
    ) -> tuple[Adapter, tuple[str, ...]]:
        """File a LoRA made elsewhere under the subject it shows, and say what it was, whom else it
        shows, or whose permission it names that is not on file, and what can be done with it.
        Filing needs no permission, since the file is the user's already; all use of it does.

        Raises WeightsRefused naming the keys that are not understood, and NotPermitted if one whom
        it shows has withdrawn every permission, or if it names a permission and does not prove it.
        """
        from sosie.models import lora

        filed = self.registry.subject(subject)
        read = lora.read(file)
        adapter = Adapter(
            name=name or file.stem,
            subject=filed.name,
            family=read.family,
            base="unknown",
            trigger=filed.trigger,
            file_sha256=read.file_sha256,
            tensors_sha256=read.tensors_sha256,
            consent_sha256=read.header.get("sosie.consent_sha256"),
            created=now(),
        )
        if adapter.consent_sha256:
            verifying.require_proof(self.registry, file)
        permission.refuse_withdrawn(self.registry, adapter)
        self.registry.blobs.put(file.read_bytes())
        adapter = self.registry.add_adapter(adapter)
        told = [f"{file.name}: {read.format}, for {read.family}, {len(read.modules)} modules."]
        first, *others = permission.shown_by(self.registry, adapter)
        sha256 = adapter.consent_sha256
        if others:
            too = ", ".join(others)
            told.append(f"It is known here to show {too} too, whose permission is asked as well.")
        elif sha256 and self.registry.consent(sha256) is None:
            told.append(
                f"It was made with permission {sha256[:12]}…, which is not on file here: whether "
                f'that is of "{first}" is not known, and who gave it is not asked. Record it: '
                f"sosie consent {shlex.quote(first)} --take FILE.json"
            )
        lacking = [
            name
            for name in (first, *others)
            if not any(one.allowed for one in permission.decisions(self.registry, name))
        ]
        if lacking:
            told.append(
                f'Nothing can be done with it until a permission for "{lacking[0]}" is recorded: '
                f"sosie consent {shlex.quote(lacking[0])} …"
            )
        else:
            told.append(f'Use it as "<lora:{adapter.name}:1>" on a {adapter.family} base.')
        return adapter, tuple(told)

    def export_adapter(
        self,
        name: str,
        out: Path,
        *,
        programs: Sequence[Program] = PROGRAMS,
        say: Callable[[str], None] = lambda line: None,
    ) -> tuple[Path, ...]:
        """Copy a LoRA (NAME, NAME@STEP for a checkpoint, NAME@VERSION for a release) out, with its
        manifest and the files from which `programs` show what it is: all of them, or none if one is
        there already.

        `out` is a folder, or a path that ends in .safetensors; `say` hears what is asked of whoever
        takes it. Raises NotPermitted.
        """
        found = drawing.find(self.registry, name)
        permission.require_shown(self.registry, "export", found.adapter)
        target = out if out.suffix == ".safetensors" else out / f"{name}.safetensors"
        label = label_of(found, target.stem)
        files = {target: found.path.read_bytes()}
        if found.manifest is not None:
            files[target.with_name(f"{target.stem}.sosie.json")] = found.manifest.read_bytes()
        beside = sidecars(
            label, programs, cover=cover_of(self.registry, found) if programs else None
        )
        files |= {target.with_name(beside_name): data for beside_name, data in beside.items()}
        for path in files:
            if path.exists():
                raise BadInput(f"{path} exists.", advice="Name another, or move it away.")
        for path, data in files.items():
            write_atomically(path, data, shared=True)
        releasing.count(self.registry, found, "downloads")
        for duty in permission.duties(self.registry, "export", found.adapter):
            say(duty)
        return tuple(files)
