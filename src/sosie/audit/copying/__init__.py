"""Does it copy? Generated pictures against those that taught, with bounds.

look.py        a picture, small, and its parts    references.py  those that may have been copied
detectors.py   pure functions on arrays           search.py      all of it, in one pass
evidence.py    two pictures, part by part         tally.py       what was counted
calibration.py what a score is worth              judging.py     to one verdict
probes.py      how a LoRA is asked for copies     rights.py      whose pictures were reproduced
report.py      the audit of a LoRA as one record  page.py        panels to look at
doses.py       what explains what came back       plot.py        likeness against copying
inside.py      what its weights tell              counterfactual.py  and what leaving out changes
cliques.py     where nobody knows what was taught
"""

from sosie.audit.copying.counterfactual import Counterfactual
from sosie.audit.copying.doses import doses, named
from sosie.audit.copying.probes import PROBES, Ask, Probe, mixture
from sosie.audit.copying.records import Config, Copying, Kind, Match, Shot, Taught, Threshold
from sosie.audit.copying.report import CopyAudit, Tried, frontier, stages
from sosie.audit.copying.search import gives_back, search

__all__ = [
    "PROBES",
    "Ask",
    "Config",
    "CopyAudit",
    "Copying",
    "Counterfactual",
    "Kind",
    "Match",
    "Probe",
    "Shot",
    "Taught",
    "Threshold",
    "Tried",
    "doses",
    "frontier",
    "gives_back",
    "mixture",
    "named",
    "search",
    "stages",
]
