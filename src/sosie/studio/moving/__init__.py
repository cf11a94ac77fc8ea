"""LoRAs on the move: what is told of one, in the shapes that other programs read.

label.py      what is told of a LoRA                 sidecars.py   files beside it
civitai.py    the same as Civitai's interface has it
"""

from sosie.studio.moving.label import Label, cover_of, label_of
from sosie.studio.moving.sidecars import sidecars

__all__ = ["Label", "cover_of", "label_of", "sidecars"]
