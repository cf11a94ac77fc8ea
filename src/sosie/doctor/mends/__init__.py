"""Mends, one file a family of them: a picture in, a picture out, or the reason why not."""
