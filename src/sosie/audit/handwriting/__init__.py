"""Is it the writer's hand, and is it written right?

notes.py     what is asked to be written        strangers.py  other hands, beside the writer's
panel.py     who reads, and who judges          figures.py    each figure; where a curve stands
reading.py   character errors above the writer's own
"""

from sosie.audit.handwriting.figures import Writer, measure, point
from sosie.audit.handwriting.notes import TEXT, choosing, prompts
from sosie.audit.handwriting.panel import hand_judge, panel, worth, written
from sosie.audit.handwriting.reading import Misread, misread
from sosie.audit.handwriting.strangers import Strangers, beside

__all__ = [
    "TEXT",
    "Misread",
    "Strangers",
    "Writer",
    "beside",
    "choosing",
    "hand_judge",
    "measure",
    "misread",
    "panel",
    "point",
    "prompts",
    "worth",
    "written",
]
