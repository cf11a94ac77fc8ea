"""Verbs of audits: is it like the person, and does it copy?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sosie.core.errors import NotPermitted
from sosie.core.records import configured
from sosie.studio import (
    auditing,
    comparing,
    drawing,
    filtering,
    looks,
    permission,
    probing,
    remedies,
    resembling,
    retraining,
    strangers,
    training,
)
from sosie.studio.auditing import Audited
from sosie.studio.comparing import Compared, OnPicture
from sosie.studio.drawing import Found
from sosie.studio.easel import OnEvent
from sosie.studio.probing import Probed
from sosie.studio.resembling import Looked
from sosie.studio.rooms.room import Room
from sosie.studio.screening import Screen
from sosie.studio.strangers import Repeated


class Auditing(Room):
    """What a LoRA draws, measured."""

    def audit(
        self,
        name: str,
        *,
        base: str | None = None,
        device: str = "auto",
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda line: None,
        **settings: Any,
    ) -> Audited:
        """Measure the likeness of a LoRA's checkpoints (NAME), or of one (NAME@STEP), choose one,
        and file what was found. An audit that was stopped goes on; it ends when a permission does,
        and keeps no picture that a record prohibits.

        `base` says where the base lies now, if it lies elsewhere; `settings` are `AuditConfig`'s.
        Raises NotPermitted, BadInput where nothing can be measured, Interrupted.
        """
        found = drawing.find(self.registry, name)
        place = drawing.settled(base or found.adapter.base)
        # What is asked is known by the manifest, which nobody sees before the gate.
        permission.require_shown(self.registry, "generate", found.adapter, base=place)
        config = configured(auditing.AuditConfig, settings)
        manifest = auditing.manifest_of(found)
        meant = {"prompts": auditing.texts(manifest), "base": place}
        consent = permission.require_shown(self.registry, "generate", found.adapter, **meant)
        with self._going(found):
            return auditing.audit(
                self.registry,
                self.desk.base(place, device),
                found,
                manifest,
                config,
                only="@" in name,
                consent=consent.sha256(),
                screen=Screen(self.registry, (found.adapter,), meant, say),
                on_event=on_event,
                should_stop=should_stop,
            )

    def audit_copies(
        self,
        name: str,
        *,
        base: str | None = None,
        device: str = "auto",
        held_out: Path | None = None,
        rights: Path | None = None,
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda line: None,
        **settings: Any,
    ) -> Probed | Repeated:
        """Measure how often a LoRA (NAME or NAME@STEP) gives back the pictures that taught it, by
        a stated mixture of prompts, and file what was found. An audit that was stopped goes on; it
        ends when a permission does, and keeps no picture that a record prohibits. Of a LoRA from
        elsewhere, whose pictures nobody knows, only whether it repeats itself.

        `base` says where the base lies now, if it lies elsewhere; `held_out` is a folder of further
        pictures that nothing was taught with, from which thresholds come too; `rights` a CSV table
        of file and status of the training pictures; `settings` are `ProbeConfig`'s, among them
        `folds`, which needs the permission to train. Raises NotPermitted, BadInput where nothing
        can be measured, NotReady, Interrupted.
        """
        found = drawing.find(self.registry, name)
        place = drawing.settled(base or found.adapter.base)
        config = configured(looks.ProbeConfig, settings)
        if found.manifest is not None or held_out or rights or config.folds:
            manifest = probing.manifest_of(found)
            asks = probing.asked(self.registry, manifest, config)
        else:
            manifest = None
            asks = strangers.asked(self.registry, found, place, config, say)
        meant = {"prompts": tuple(dict.fromkeys(ask.prompt for ask in asks)), "base": place}
        consent = permission.require_shown(self.registry, "generate", found.adapter, **meant)
        screen = Screen(self.registry, (found.adapter,), meant, say)
        if manifest is None:
            with self._going(found):
                return strangers.audit(
                    self.registry,
                    self.desk.base(place, device),
                    found,
                    asks,
                    config,
                    consent=consent.sha256(),
                    screen=screen,
                    on_event=on_event,
                    should_stop=should_stop,
                )
        teaching = training.meant(self.registry, manifest.subject, place, None)
        if config.folds is not None:
            permission.require(self.registry, "train", manifest.subject, **teaching)
        with self._going(found):
            return probing.audit(
                self.registry,
                self.desk.base(place, device),
                found,
                manifest,
                config,
                asks,
                consent=consent,
                held_out=held_out,
                statuses=rights,
                screen=screen,
                on_event=on_event,
                should_stop=should_stop,
                may_train=permission.watching(
                    self.registry, "train", manifest.subject, should_stop, **teaching
                ),
            )

    def mend_copies(
        self,
        name: str,
        *,
        retrain: bool = False,
        base: str | None = None,
        device: str = "auto",
        on_event: OnEvent = lambda kind, data: None,
        should_stop: Callable[[], bool] = lambda: False,
        **settings: Any,
    ) -> Probed:
        """`audit_copies`, and again with less strength, then without its strongest directions
        (`sosie.studio.filtering`) and with earlier checkpoints until one would pass, nothing
        comes back, or nothing is left to try. The best of many tries is partly
        the luckiest, so that none of them passes: the one that would is looked at once more, at
        other seeds, and that audit decides. Gives the last. Every audit is filed, and the last page
        shows them all: likeness against copying. `settings` are those of `audit_copies`.

        With `retrain` LoRAs are trained anew before that, changed by what the findings explain,
        until one would pass: see `sosie.studio.retraining`. They are filed like any other, and need
        the permission to train.
        """
        found = drawing.find(self.registry, name)
        manifest = probing.manifest_of(found)
        if retrain:
            permission.require(self.registry, "train", found.subject)

        def again(which: str, **more: float | bool) -> Probed:
            done = self.audit_copies(
                which,
                base=base,
                device=device,
                on_event=on_event,
                should_stop=should_stop,
                **{**settings, **more},
            )
            assert isinstance(done, Probed), "it was trained here"
            return done

        done = again(name)
        if retrain and not _mended(done):
            place = drawing.settled(base or found.adapter.base)
            meant = training.meant(self.registry, found.subject, place, None)
            recipes = retraining.recipes(self.registry, done.audit, manifest)
            if recipes:
                loaded = self.desk.base(place, device)
                on_event("retraining", retraining.told(self.registry, loaded, recipes))
            for recipe in recipes:
                consent = permission.require(self.registry, "train", found.subject, **meant)
                self.desk.clear()
                adapter = retraining.train(
                    self.registry,
                    recipe,
                    place,
                    device=device,
                    consent=consent.sha256(),
                    screen=self._teaching(found.subject, meant, on_event),
                    on_event=on_event,
                    should_stop=permission.watching(
                        self.registry, "train", found.subject, should_stop, **meant
                    ),
                )
                name, done = adapter.name, again(adapter.name, explores=True)
                if _mended(done):
                    break
        bare, most = done.audit.adapter, done.audit.strength
        copied = drawing.find(self.registry, name)
        chosen, weight = name, most

        def ways() -> Iterator[tuple[str, float]]:
            yield from ((name, share * most) for share in remedies.WEAKER)
            # Made when its turn comes, since it is filed.
            for made in self._filtered(copied, base, device, on_event):
                yield made, most
            for step in remedies.earlier(self.registry, copied):
                yield from ((f"{bare}@{step}", share * most) for share in (1, *remedies.WEAKER))

        tries = ways()
        while not _mended(done) and (way := next(tries, None)):
            chosen, weight = way[0], round(way[1], 2)
            done = again(chosen, strength=weight, explores=True)
        if done.audit.explored and done.audit.copying.verdict == "passed":
            done = again(chosen, strength=weight, **looks.confirming(done.audit))
        return done

    def _filtered(
        self, copied: Found, base: str | None, device: str, on_event: OnEvent
    ) -> tuple[str, ...]:
        """The name of what a filter makes of a LoRA; none where nothing would be left, and none,
        and told, where that is not permitted: it is another LoRA of the person."""
        place = drawing.settled(base or copied.adapter.base)
        meant = training.meant(self.registry, copied.subject, place, None)
        try:
            permission.require(self.registry, "train", copied.subject, **meant)
        except NotPermitted as refused:
            on_event("note", {"message": f"Not tried: a spectral filter. {refused.message}"})
            return ()
        made = filtering.made(self.registry, self.desk.base(place, device), copied)
        return () if made is None else (made.name,)

    def compare(
        self,
        pictures: Path,
        against: Path,
        *,
        held_out: Path | None = None,
        rights: Path | None = None,
        page: Path | None = None,
        on_picture: OnPicture = lambda what, done, of: None,
        **settings: Any,
    ) -> Compared:
        """Search a folder of pictures for copies of another's, without a model.

        `held_out` holds pictures like the references that nothing was taught with: thresholds come
        from them. `rights` is a CSV table of file and status of the references. `settings` are
        `sosie.audit.copying.Config`'s. With `page`, the report is written there and the signed JSON
        beside it. Raises BadInput.
        """
        done = comparing.compare(
            self.registry,
            pictures,
            against,
            held_out=held_out,
            statuses=rights,
            on_picture=on_picture,
            **settings,
        )
        if page is not None:
            comparing.write(done, page)
        return done

    def resembles(
        self,
        picture: Path,
        *,
        among: Sequence[str] | None = None,
        rate: float = 0.01,
        on_picture: Callable[[int, int], None] = lambda done, of: None,
    ) -> Looked:
        """Whom on file the faces in a picture look like, with false-match rates calibrated on the
        people on file. `among` names those asked about; None is everybody. Compared are only those
        whose permission lifts the prohibition of biometric identification.

        Raises BadInput, NotFound.
        """
        return resembling.resembles(
            self.registry, picture, among=among, rate=rate, on_picture=on_picture
        )

    def _going(self, found: Found) -> AbstractContextManager[None]:
        """While it lasts, nobody whom a LoRA shows is forgotten."""
        shown = permission.shown_by(self.registry, found.adapter)
        return self.registry.audits.going(found.adapter.name, shown)


def _mended(done: Probed) -> bool:
    """Whether there is nothing more to try: it would pass, or nothing came back."""
    return done.audit.copying.verdict == "passed" or not done.audit.mends
