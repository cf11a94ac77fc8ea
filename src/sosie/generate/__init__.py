"""A prompt, a base and adapters in; marked pictures out."""

from sosie.generate.draw import GenerateConfig, LoraUse, Made, Picture, draw
from sosie.generate.files import read_back, save
from sosie.generate.prompt import LoraCall, Prompt, parse
from sosie.generate.seal import opened
from sosie.generate.sheet import contact_sheet, save_sheet
from sosie.generate.words import Effect, Piece, WordTrial, pieces, try_words

__all__ = [
    "Effect",
    "GenerateConfig",
    "LoraCall",
    "LoraUse",
    "Made",
    "Picture",
    "Piece",
    "Prompt",
    "WordTrial",
    "contact_sheet",
    "draw",
    "opened",
    "parse",
    "pieces",
    "read_back",
    "save",
    "save_sheet",
    "try_words",
]
