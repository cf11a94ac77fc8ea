"""Rights: recorded permissions, the one function that decides by them, and signatures.

consent.py   who may be modelled: the decision     keys.py     Ed25519 keys, the workspace's own too
signed.py    who has put their name to what
"""

from sosie.rights.consent import Decision, checked_consent, decide, decide_all, guarded, require
from sosie.rights.keys import HOME_KEY, Key, fingerprint, home_key, read_key
from sosie.rights.signed import ROLES, Role, Signature, parsed, sign

__all__ = [
    "HOME_KEY",
    "ROLES",
    "Decision",
    "Key",
    "Role",
    "Signature",
    "checked_consent",
    "decide",
    "decide_all",
    "fingerprint",
    "guarded",
    "home_key",
    "parsed",
    "read_key",
    "require",
    "sign",
]
