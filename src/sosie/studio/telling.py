"""The marks of a picture in plain sentences."""

from __future__ import annotations

from sosie.registry.watermarks import Hit
from sosie.rights import Credentials, xmp
from sosie.studio.reading import Marks


def picture(marks: Marks) -> list[str]:
    """Who made a picture, from what, and what is said of it: as far as its marks say."""
    told = list(marks.unread)
    if (made := marks.made) is not None:
        told.append(
            f'A synthetic picture, drawn by {made.software} from "{made.prompt}", seed {made.seed}.'
        )
        told.append(f"Its base is {made.base} ({made.base_sha256[:12]}…).")
        for use in made.loras:
            what = f"{use.name} ({use.tensors_sha256[:12]}…)"
            told.append(f"The LoRA {what} acted with weight {use.weight:g}.")
    if marks.credentials is not None:
        told += _credentials(marks.credentials, ours=made is not None)
    if said := marks.xmp.data_mining:
        told.append(f"Its XMP says: {xmp.mining_told(said)}.")
    told += _origin(marks)
    if marks.hit is not None:
        told += _hit(marks.hit, marks.sought)
    return told


def _credentials(found: Credentials, *, ours: bool) -> list[str]:
    """What the credentials of anyone's picture say, where our own record does not."""
    if found.state == "elsewhere":
        where = found.problems[0]
        return [f"Its content credentials are not in the file but at {where}: nothing is fetched."]
    told = []
    if not ours:
        told.append(f"Its content credentials (C2PA) are written by {found.generator or 'nobody'}.")
        if found.ingredients:
            told.append(f"They say what went into it: {'; '.join(found.ingredients)}.")
    told += [f"They say of {use}: {may}." for use, may in sorted(found.training.items())]
    return told


def _origin(marks: Marks) -> list[str]:
    """How the picture came to be, each answer with the marks that give it."""
    answers = {"content credentials": marks.credentials and marks.credentials.source_type}
    answers["XMP"] = marks.xmp.source_type
    told = []
    for answer in dict.fromkeys(filter(None, answers.values())):
        who = [f"its {mark}" for mark, given in answers.items() if given == answer]
        say = "say" if len(who) > 1 or who == ["its content credentials"] else "says"
        words = "made by a trained algorithm" if answer == xmp.SYNTHETIC else answer
        told.append(f"I{' and '.join(who)[1:]} {say} how it came to be: {words}.")
    return told


def _hit(hit: Hit, sought: int) -> list[str]:
    mark = hit.mark
    whom = f" of {mark.subject}" if mark.subject else ""
    what = "was drawn here" if mark.what == "drawn" else "was given out from here"
    made_from = f" with {', '.join(mark.made_from)}" if mark.made_from else ""
    wrong = {0: "every bit"}.get(hit.wrong, f"all but {hit.wrong} of 32 bits")
    return [
        f"It bears the watermark {hit.number:08x} ({wrong}): a picture{whom} that {what} on "
        f"{mark.at:%d %B %Y}{made_from}.",
        f"A picture without a watermark would seem to bear one of the {sought} on file, as near, "
        f"with a chance of at most {_odds(hit.chance)}.",
    ]


def _odds(chance: float) -> str:
    return f"1 in {int(1 / chance):,}"


def unknown(marks: Marks) -> list[str]:
    """What cannot be known of a picture by its marks."""
    found = []
    if marks.credentials is None:
        found.append(
            "Whether it ever bore credentials: most programs that save a picture drop them."
        )
    if marks.hit is None and marks.sought:
        found.append(
            "Whether it ever bore a watermark: none on file here was found in it, and who wants to "
            "can remove one."
        )
    return found
