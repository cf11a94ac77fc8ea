"""Training of the judges: networks that read from a picture what the world put into it.

    python -m pocket.judges      people, writers, the reader, their errors; goes on where it was

A base may only be judged by networks that no base was trained with, and on people that neither
has seen: the judges learn from the same drawn people as the base, and never see a generated
picture. The reader is no judge: it may teach base and LoRAs to write. What they cost in error is
measured by `python -m bench judges`.
"""
