"""Captions: kept samples -> captioned Dataset.

check.py     what is wrong with captions      describe.py   templates, edits, the dataset
suggest.py   captions from what was measured  style.py      in a sentence or in tags
identity.py  what says who somebody is        captioner.py  other people's models
plain.py     an answer without its form
"""

from sosie.captions.captioner import (
    LONGEST,
    AddressCaptioner,
    Captioner,
    LocalModel,
    Tagger,
    captioner,
    shortened,
)
from sosie.captions.check import Problem, check, has_trigger, require_trigger, with_trigger
from sosie.captions.describe import apply_template, dataset, dataset_again, edit, named, revise
from sosie.captions.identity import Choice
from sosie.captions.plain import plain
from sosie.captions.style import Measured, Style, style_of
from sosie.captions.suggest import (
    WEAR_WORDS,
    Notice,
    Removed,
    Suggestion,
    WearWord,
    Why,
    mend,
    notices,
    notices_on_file,
    suggest,
)

__all__ = [
    "LONGEST",
    "WEAR_WORDS",
    "AddressCaptioner",
    "Captioner",
    "Choice",
    "LocalModel",
    "Measured",
    "Notice",
    "Problem",
    "Removed",
    "Style",
    "Suggestion",
    "Tagger",
    "WearWord",
    "Why",
    "apply_template",
    "captioner",
    "check",
    "dataset",
    "dataset_again",
    "edit",
    "has_trigger",
    "mend",
    "named",
    "notices",
    "notices_on_file",
    "plain",
    "require_trigger",
    "revise",
    "shortened",
    "style_of",
    "suggest",
    "with_trigger",
]
