"""Records that travel between workspaces: given out as one file, and taken in from one."""

from __future__ import annotations

from pathlib import Path

from sosie import rights
from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound
from sosie.core.files import write_atomically
from sosie.core.records import now
from sosie.registry import Registry


def give(registry: Registry, name: str, path: Path) -> Consent:
    """Write the latest record of a subject to a file, with all who signed it. Raises NotFound."""
    given = registry.consents(name)
    if not given:
        raise NotFound(f'No permission of "{name}" is on file.')
    consent = given[-1]
    signatures = registry.signatures.of(consent.sha256())
    write_atomically(path, rights.written(consent, signatures))
    return consent


def take(registry: Registry, name: str, path: Path) -> Consent:
    """File a record from elsewhere with all who signed it, countersigned by this workspace.

    Raises BadInput if it is forged, changed, of another person, known, dated after today, or if a
    later word of the one who signed it is on file.
    """
    subject = registry.subject(name).name
    document = rights.read(_bytes(path))
    consent, sha256 = document.consent, document.consent.sha256()
    if consent.subject != subject:
        raise BadInput(
            f'The permission is of "{consent.subject}", not of "{subject}".',
            advice="Take it in under the name that it was given for.",
        )
    if not document.signatures:
        raise BadInput("Nobody has signed the permission: anyone may have written it.")
    if consent.recorded > now() + rights.SLACK:
        raise BadInput(f"The permission is dated {consent.recorded:%Y-%m-%d %H:%M}, to come.")
    if registry.consent(sha256):
        raise BadInput("The permission is on file already.")
    # A word that was taken back, or replaced, does not come back by being carried in again.
    for known in registry.consents(subject):
        later = known.recorded >= consent.recorded
        if later and (not known.acts or rights.same_signer(known, consent)):
            raise BadInput(
                f"{known.signed_by} has said otherwise since, on {known.recorded:%Y-%m-%d %H:%M}.",
                advice="Only a new permission can follow it.",
            )
    own = rights.sign(registry.key(), sha256, role="trainer", at=now())
    theirs = [one for one in document.signatures if one.public_key != own.public_key]
    registry.record_consent(consent, (*theirs, own))
    return consent


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        return file.read(rights.LARGEST + 1)
