"""Captions: kept samples -> captioned Dataset.

check.py     what is wrong with captions      describe.py   templates, edits, the dataset
suggest.py   captions from what was measured  style.py      in a sentence or in tags
identity.py  what says who somebody is        captioner.py  other people's models
"""

from sosie.captions.captioner import AddressCaptioner, Captioner, Tagger
from sosie.captions.check import Problem, check, has_trigger, require_trigger, with_trigger
from sosie.captions.describe import apply_template, dataset, dataset_again, edit, named, revise
from sosie.captions.style import Measured, Style, style_of
from sosie.captions.suggest import Notice, Removed, Suggestion, mend, notices, suggest

__all__ = [
    "AddressCaptioner",
    "Captioner",
    "Measured",
    "Notice",
    "Problem",
    "Removed",
    "Style",
    "Suggestion",
    "Tagger",
    "apply_template",
    "check",
    "dataset",
    "dataset_again",
    "edit",
    "has_trigger",
    "mend",
    "named",
    "notices",
    "require_trigger",
    "revise",
    "style_of",
    "suggest",
    "with_trigger",
]
