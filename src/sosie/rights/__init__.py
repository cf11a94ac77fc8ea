"""Rights: recorded permissions, the one function that decides by them, signatures, and marks.

consent.py   who may be modelled: the decision     clauses.py   what a record says against an act
prompts.py   what a prompt asks for, by words      checked.py   whether a record can be kept
wording.py   a record in plain words        paper.py     the page to sign
odrl.py      the same for programs          document.py  a record that travels
status.py    the list of what still holds
keys.py      Ed25519 keys, the workspace's too     signed.py    who has put their name to what
certificates.py  what vouches for the workspace    credentials.py  signed words in a picture
xmp.py       words for machines in a picture
"""

from sosie.rights.certificates import HOME_CHAIN, Chain, home_chain
from sosie.rights.checked import checked_consent
from sosie.rights.clauses import SLACK, Context, birth_date, birthday
from sosie.rights.consent import (
    Decision,
    decide,
    decide_all,
    duties,
    guarded,
    left_of,
    refusal,
    require,
    same_signer,
)
from sosie.rights.credentials import Claims, Credentials, Ingredient, State
from sosie.rights.document import LARGEST, Document, read, written
from sosie.rights.keys import HOME_KEY, Key, fingerprint, home_key, new_key, read_key
from sosie.rights.odrl import policy
from sosie.rights.paper import paper, text_sha256, words_of
from sosie.rights.signed import ROLES, Role, Signature, parsed, sign
from sosie.rights.status import LARGEST_LIST, Standing, Status, issued, read_status
from sosie.rights.wording import sections, title, wording

__all__ = [
    "HOME_CHAIN",
    "HOME_KEY",
    "LARGEST",
    "LARGEST_LIST",
    "ROLES",
    "SLACK",
    "Chain",
    "Claims",
    "Context",
    "Credentials",
    "Decision",
    "Document",
    "Ingredient",
    "Key",
    "Role",
    "Signature",
    "Standing",
    "State",
    "Status",
    "birth_date",
    "birthday",
    "checked_consent",
    "decide",
    "decide_all",
    "duties",
    "fingerprint",
    "guarded",
    "home_chain",
    "home_key",
    "issued",
    "left_of",
    "new_key",
    "paper",
    "parsed",
    "policy",
    "read",
    "read_key",
    "read_status",
    "refusal",
    "require",
    "same_signer",
    "sections",
    "sign",
    "text_sha256",
    "title",
    "wording",
    "words_of",
    "written",
]
