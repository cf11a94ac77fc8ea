"""Captions: kept samples -> captioned Dataset."""

from sosie.captions.check import Problem, check, has_trigger, require_trigger
from sosie.captions.describe import apply_template, dataset, edit

__all__ = [
    "Problem",
    "apply_template",
    "check",
    "dataset",
    "edit",
    "has_trigger",
    "require_trigger",
]
