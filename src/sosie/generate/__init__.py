"""A prompt, a base and adapters in; marked pictures out."""
