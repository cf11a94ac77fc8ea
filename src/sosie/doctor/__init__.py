"""The doctor: a set of pictures -> Checkup, with what to keep, what to mend, and why.

records.py    what it takes and gives        view.py     one picture while it is examined
rule.py       what a family is made of       rules/      one file a family of rules
table.py      the table of all rules         examine.py  read once, judge, propose
shelf.py      where readings lie             choose.py   the proposal
wording.py    words in the reader's language told.py     a checkup as data for programs
mends/        one file a family of mends, their table, and what becomes of a face
"""

from sosie.doctor.examine import examine
from sosie.doctor.records import Checkup, Config, Finding
from sosie.doctor.shelf import Shelf

__all__ = ["Checkup", "Config", "Finding", "Shelf", "examine"]
