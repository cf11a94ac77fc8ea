"""The pictures of a standard audit: fixed prompts, each scene once plain and once with a garment.

The two of a scene share their seeds, so that what the garment costs is seen pair by pair. No prompt
is one that training previews draw, and none is taken from a caption.
"""

from __future__ import annotations

from sosie.core.records import Record


class Prompt(Record):
    """One prompt of the audit."""

    scene: int
    """The two prompts of a scene share it, and their seeds."""
    garment: bool
    text: str
    """With "{trigger}" where the subject's trigger word goes."""
    asks: dict[str, str]
    """What is to be seen then, for the judge of attributes: "garment", "background"."""

    @property
    def key(self) -> str:
        """Its name in a file's name: "03", or "03g" with the garment."""
        return f"{self.scene:02d}{'g' if self.garment else ''}"


SCENES = (
    ("photo of {trigger}, smiling{}, on a beach", "red jacket", "beach"),
    ("portrait of {trigger}{}, grey background", "navy coat", "grey"),
    ("photo of {trigger}{}, in a city street", "green hoodie", "city street"),
    (
        "photo of {trigger}{}, in a garden, three-quarter view to the left",
        "blue shirt",
        "garden",
    ),
    ("photo of {trigger}{}, in a library", "yellow sweater", "library"),
    (
        "photo of {trigger}{}, in the mountains, three-quarter view to the right",
        "white t-shirt",
        "mountains",
    ),
    ("portrait of {trigger}, serious{}, turquoise background", "pink sweater", "turquoise"),
    ("photo of {trigger}{}, in a city at night", "black suit", "city at night"),
)
"""Scene, garment, and the background that is to be seen."""


def _prompts() -> tuple[Prompt, ...]:
    found = []
    for number, (words, garment, background) in enumerate(SCENES, 1):
        # Only the blank braces are filled: the trigger's stay for the subject.
        plain, dressed = (words.replace("{}", worn) for worn in ("", f", {garment}"))
        colour = garment.split()[0]
        seen = {"background": background}
        found.append(Prompt(scene=number, garment=False, text=plain, asks=seen))
        asks = seen | {"garment": colour}
        found.append(Prompt(scene=number, garment=True, text=dressed, asks=asks))
    return tuple(found)


PROMPTS = _prompts()
"""Two for each scene."""
CHOOSING = tuple(prompt for prompt in PROMPTS if prompt.garment == (prompt.scene % 2 == 0))
"""One for each scene, every other with its garment: what a checkpoint is chosen by."""
SEEDS_APART = 1000
"""Between the seeds of two scenes: more than any audit draws of one."""


def seed_of(prompt: Prompt, start: int, number: int) -> int:
    """The seed of a prompt's picture `number`, for an audit that starts at seed `start`."""
    return start + SEEDS_APART * prompt.scene + number
