"""LoRA: trained inside a base, written to files every client loads, read from others' files."""

from sosie.models.lora.inject import LoraSpec, enabled, inject, load_state, remove, state

__all__ = ["LoraSpec", "enabled", "inject", "load_state", "remove", "state"]
