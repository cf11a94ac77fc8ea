"""Does it copy? Generated pictures against those that taught, with bounds."""

from sosie.audit.copying.records import Config, Copying, Kind, Match, Shot, Threshold
from sosie.audit.copying.search import search

__all__ = ["Config", "Copying", "Kind", "Match", "Shot", "Threshold", "search"]
