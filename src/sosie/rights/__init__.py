"""Rights: recorded permissions, the one function that decides by them, signatures, and marks.

consent.py        who may be modelled: the decision    keys.py   Ed25519 keys, the workspace's too
signed.py         who has put their name to what       xmp.py    words for machines in a picture
certificates.py   what vouches for the workspace       credentials.py   signed words in a picture
"""

from sosie.rights.certificates import HOME_CHAIN, Chain, home_chain
from sosie.rights.consent import Decision, checked_consent, decide, decide_all, guarded, require
from sosie.rights.credentials import Claims, Credentials, Ingredient, State
from sosie.rights.keys import HOME_KEY, Key, fingerprint, home_key, read_key
from sosie.rights.signed import ROLES, Role, Signature, parsed, sign

__all__ = [
    "HOME_CHAIN",
    "HOME_KEY",
    "ROLES",
    "Chain",
    "Claims",
    "Credentials",
    "Decision",
    "Ingredient",
    "Key",
    "Role",
    "Signature",
    "State",
    "checked_consent",
    "decide",
    "decide_all",
    "fingerprint",
    "guarded",
    "home_chain",
    "home_key",
    "parsed",
    "read_key",
    "require",
    "sign",
]
