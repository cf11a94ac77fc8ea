"""The nouns, the errors and the files: standard library and pydantic only."""
