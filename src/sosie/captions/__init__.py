"""Captions: kept samples -> captioned Dataset."""

from sosie.captions.check import Problem, check, has_trigger, require_trigger, with_trigger
from sosie.captions.describe import apply_template, dataset, dataset_again, edit, revise

__all__ = [
    "Problem",
    "apply_template",
    "check",
    "dataset",
    "dataset_again",
    "edit",
    "has_trigger",
    "require_trigger",
    "revise",
    "with_trigger",
]
