"""A prompt, a base and adapters in; marked pictures out."""

from sosie.generate.claims import claims
from sosie.generate.draw import GenerateConfig, LoraUse, Made, Picture, draw, draw_each
from sosie.generate.files import encoded, png, read_back, safe, save, save_beside
from sosie.generate.prompt import LoraCall, Prompt, parse
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
    "claims",
    "contact_sheet",
    "draw",
    "draw_each",
    "encoded",
    "parse",
    "pieces",
    "png",
    "read_back",
    "safe",
    "save",
    "save_beside",
    "save_sheet",
    "try_words",
]
