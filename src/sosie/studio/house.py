"""Class Studio: one method for each thing a user can do, in the user's own terms.

The front doors call this and nothing else. Stages return values; what of them is kept is decided
in the rooms. Heavy libraries are imported where they are first needed.
"""

from __future__ import annotations

from sosie.studio.rooms.auditing import Auditing
from sosie.studio.rooms.catalogue import Catalogue
from sosie.studio.rooms.copies import Copying
from sosie.studio.rooms.examination import Examination
from sosie.studio.rooms.moving import Moving
from sosie.studio.rooms.permission import Permission
from sosie.studio.rooms.pictures import Pictures
from sosie.studio.rooms.shelf import Shelf
from sosie.studio.rooms.training import Training
from sosie.studio.rooms.workspace import Workspace


class Studio(
    Workspace,
    Examination,
    Permission,
    Shelf,
    Training,
    Pictures,
    Copying,
    Auditing,
    Catalogue,
    Moving,
):
    """A workspace. `home` is its folder; None takes SOSIE_HOME or the platform's data folder."""
