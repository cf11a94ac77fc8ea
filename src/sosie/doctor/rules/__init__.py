"""One file a family of rules: how it reads a picture, and how it judges a set."""
