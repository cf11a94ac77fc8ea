"""LoRAs on the move: to other programs, to other workspaces, to whoever may ask.

label.py      what is told of a LoRA                 parcel.py      a release with its permissions
civitai.py    the same as Civitai's interface has it   partial.py   a file that comes in pieces
sidecars.py   files beside a LoRA                    places.py      folders and addresses
handing.py    what is handed out, and to whom not    receiving.py   how a release comes in
"""

from sosie.studio.moving.handing import Handed
from sosie.studio.moving.label import Label, cover_of, label_of, label_of_release
from sosie.studio.moving.sidecars import sidecars

__all__ = ["Handed", "Label", "cover_of", "label_of", "label_of_release", "sidecars"]
