"""The main job from end to end on the embedded base, told as one page: `python -m demo`."""
