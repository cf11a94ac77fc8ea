"""Are the pictures like the person, do they copy, and how sure is that?

prompts.py     the fixed prompts of an audit      kinds.py       what each figure means
panel.py       the judges, and what they see      figures.py     each measured, and judged
likeness.py    cosines to held-out pictures       choice.py      the curve, and which checkpoint
retrieval.py   who is it, among many?             report.py      all of it as one record
intervals.py   how sure a figure is               resemblance.py whom it looks like, on file
copying/       does it copy, and what?            handwriting/   is it the hand, and right?
"""

from sosie.audit.choice import Choice, Point, choose, point
from sosie.audit.figures import Figure, Shown, measure
from sosie.audit.intervals import Interval
from sosie.audit.likeness import Known, found
from sosie.audit.panel import Look, Panel, Unmeasured, panel
from sosie.audit.prompts import CHOOSING, PROMPTS, Prompt, seed_of
from sosie.audit.report import Audit, Held, Worth
from sosie.audit.retrieval import Retrieval, rank

__all__ = [
    "CHOOSING",
    "PROMPTS",
    "Audit",
    "Choice",
    "Figure",
    "Held",
    "Interval",
    "Known",
    "Look",
    "Panel",
    "Point",
    "Prompt",
    "Retrieval",
    "Shown",
    "Unmeasured",
    "Worth",
    "choose",
    "found",
    "measure",
    "panel",
    "point",
    "rank",
    "seed_of",
]
