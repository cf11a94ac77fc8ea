"""A prompt, a base and adapters in; marked pictures out."""

from sosie.generate.draw import GenerateConfig, LoraUse, Made, Picture, draw
from sosie.generate.files import read_back, save
from sosie.generate.prompt import LoraCall, Prompt, parse
from sosie.generate.seal import opened
from sosie.generate.sheet import contact_sheet, save_sheet

__all__ = [
    "GenerateConfig",
    "LoraCall",
    "LoraUse",
    "Made",
    "Picture",
    "Prompt",
    "contact_sheet",
    "draw",
    "opened",
    "parse",
    "read_back",
    "save",
    "save_sheet",
]
