"""What pictures show, in the words of a caption, as far as it can be measured.

person.py   readings of a portrait      note.py   readings of a written page
colour.py   colours by name             tell.py   from a set's readings to words
"""

from sosie.doctor.seen.tell import Described, describe

__all__ = ["Described", "describe"]
