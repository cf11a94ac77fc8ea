"""Rights: recorded permissions, and the one function that decides by them."""

from sosie.rights.consent import (
    Decision,
    checked_consent,
    decide,
    decide_all,
    guarded,
    require,
)

__all__ = ["Decision", "checked_consent", "decide", "decide_all", "guarded", "require"]
