"""The only place where weights enter: base models, LoRA files, and what looks at pictures."""
