"""What holds for all tests."""

from hypothesis import settings

# How long an example takes says how busy the machine is; what hangs, the timeout ends.
settings.register_profile("sosie", deadline=None)
settings.load_profile("sosie")
