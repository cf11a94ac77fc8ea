"""The documentation, and what prints the parts of it that the code knows best."""
