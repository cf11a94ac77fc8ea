"""The only place where weights enter: base models, LoRA files, face networks."""
