"""Are the pictures like the person, and how sure is that? Measured on what training never saw."""

from sosie.audit.intervals import Interval
from sosie.audit.likeness import Copycat, Likeness, likeness
from sosie.audit.retrieval import Retrieval, rank

__all__ = ["Copycat", "Interval", "Likeness", "Retrieval", "likeness", "rank"]
