"""Are the pictures like the person, and how sure is that? Measured on what training never saw."""
