"""What an audit of a handwriting asks to be written: texts that training never saw.

In the words of the set's own captions, with another text between the quotation marks. The withheld
notes' texts come first: the writer wrote them too, so that reading the one and the other is a pair.
"""

from __future__ import annotations

from collections.abc import Sequence

from sosie.audit.prompts import Prompt
from sosie.core.errors import BadInput
from sosie.core.quoted import plain, quoted, requoted

TEXT = "text"
"""The key of `Prompt.asks` and `Look.reads` under which the text stands."""
PAIRED = 8
"""At most so many withheld notes are asked for again."""
FRENCH = frozenset("éèêàçùôîâë")
TEXTS = {
    "en": (
        "The kettle is on",
        "Back before seven",
        "Mind the wet step",
        "We miss you, Julia",
        "Lunch is at 12:30",
        "Have you fed the dog?",
        "Eggs, milk and bread",
        "Just a quick word",
        "Six zebras, five oxen",
        "Please water the fig",
        "Gone for a long walk",
        "My best to everybody",
    ),
    "fr": (
        "Le thé est prêt",
        "De retour vers 19h",
        "Où sont mes clés ?",
        "Pense à moi, Julie",
        "Un gâteau au chocolat",
        "Rendez-vous à midi",
        "Du pain et des œufs",
        "Voilà une bonne idée",
        "Merci beaucoup, Zoé !",
        "Le jardin a besoin d'eau",
        "Quelle belle journée",
        "Mes amitiés à tous",
    ),
}
"""New texts, short enough for one line. All letters of the alphabet are among the English ones."""
NEW = 8
"""How many of them are asked for."""


def prompts(taught: Sequence[str], withheld: Sequence[str], trigger: str) -> tuple[Prompt, ...]:
    """What is asked of a LoRA that was taught with these captions and never saw those withheld.

    Each text is a scene of its own. No text stands in a caption that was taught, and none is longer
    than the longest there. Raises BadInput where no caption says what is written.
    """
    known = [plain(text) for caption in taught if (text := quoted(caption))]
    if not known:
        raise BadInput(
            "No caption says what is written, so nobody can tell whether it is written right.",
            advice="Type each text between quotation marks with `sosie caption`, and train again.",
        )
    again = [caption for caption in withheld if (text := quoted(caption)) and _new(text, known)]
    frames = [caption for caption in taught if quoted(caption)]
    longest = max(map(len, known))
    french = any(letter in FRENCH for text in known for letter in text)
    texts = sorted(TEXTS["fr" if french else "en"], key=lambda text: len(text) > longest)
    short = dict.fromkeys(_cut(text, longest) for text in texts)
    fresh = [text for text in short if _new(text, known)][:NEW]
    asked = [(caption, quoted(caption)) for caption in again[:PAIRED]]
    # The frames come in turn, so that ink and paper are those of the set.
    asked += [(requoted(frames[i % len(frames)], text), text) for i, text in enumerate(fresh)]
    return tuple(
        Prompt(
            scene=number,
            garment=False,
            text=caption.replace(trigger, "{trigger}"),
            asks={TEXT: text},
        )
        for number, (caption, text) in enumerate(asked, 1)
    )


def choosing(asked: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Those of the prompts by which a checkpoint is chosen: the new texts, without the pairs."""
    return tuple(asked[-NEW:])


def _new(text: str, known: Sequence[str]) -> bool:
    """Whether no text that was taught holds it."""
    return not any(plain(text) in other for other in known)


def _cut(text: str, longest: int) -> str:
    """As many words of it as fit; one at least."""
    words = text.split()
    while len(words) > 1 and len(" ".join(words)) > longest:
        words.pop()
    return " ".join(words)
