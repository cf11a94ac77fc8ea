"""Does it copy? Generated pictures against those that taught, with bounds.

look.py        a picture, small, and its parts    references.py  those that may have been copied
detectors.py   pure functions on arrays           search.py      all of it, to one verdict
evidence.py    two pictures, part by part         rights.py      whose pictures were reproduced
calibration.py what a score is worth              page.py        panels to look at
"""

from sosie.audit.copying.records import Config, Copying, Kind, Match, Shot, Threshold
from sosie.audit.copying.search import search

__all__ = ["Config", "Copying", "Kind", "Match", "Shot", "Threshold", "search"]
