"""The rooms that make up `Studio`: a file for each group of verbs."""
