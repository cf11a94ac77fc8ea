"""The consent record: who may be modelled, by whose word, for what, within which bounds.

Two forms are on file. The first has the eight fields of `Consent` alone. The second adds `Terms`.
What is signed is the canonical JSON of the whole, so the fields of either form are never renamed,
and a record of the first form is written without the field that it did not have.

Shape: ISO/IEC TS 27560 (consent records), and ODRL 2.2 for permissions, prohibitions and duties.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from sosie.core.records import Record
from sosie.core.terms import MODALITIES, PROHIBITIONS, Act, Modality, Prohibition, Relation

OF_AGE = 18
"""Years."""

Words = Annotated[str, Field(min_length=1, max_length=2000)]
Names = tuple[Words, ...]


class _Told(Record):
    """A record whose schema says what each field is."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class PictureRights(_Told):
    """Whose work one picture is: another person, as a rule, than the one it shows."""

    original_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the file as it was given."""
    copyright_holder: Words | None = None
    """If other than the record's."""


class Terms(_Told):
    """The bounds of a permission, second form. An empty list bounds nothing."""

    schema_version: Literal[2] = 2
    """Of the record."""
    language: Literal["en"] = "en"
    """Of `text`."""
    text: Annotated[str, Field(max_length=20_000)] = ""
    """The words that were shown to who signed: they are signed with the rest."""

    # Subject
    living: bool = True
    """Whether the person was alive; of nobody, it says nothing."""
    born: date | None = None
    """Birth date; a guardian's word ends on the 18th birthday."""
    of_age: bool = False
    """Where no birth date is given: the signer states that the person is 18 or older."""
    assent: bool = False
    """Whether a minor was asked, and agreed."""

    # Signer
    authority: Words | None = None
    """What shows that a guardian or an estate may sign: a birth certificate, a court's order."""

    # Trainer
    trainer: Words | None = None
    """Who trains, and so who is bound by this record."""
    trainer_contact: Words | None = None
    """How to reach them."""
    trainer_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Fingerprint of the key of the workspace."""

    # Data
    pictures: Annotated[tuple[PictureRights, ...], Field(max_length=10_000)] = ()
    """Those on file, by their hashes, with whose work each is."""
    only_these: bool = False
    """Whether no other pictures than `pictures` may be learned from."""
    source: Words | None = None
    """Where the pictures come from."""
    ages: tuple[Annotated[int, Field(ge=0, le=130)], Annotated[int, Field(ge=0, le=130)]] | None = (
        None
    )
    """How old the person is in the pictures, in years: from, to."""
    copyright_holder: Words | None = None
    """Whose work the pictures are; the person in them is `who`."""
    others_shown: Names = ()
    """Third persons in the pictures."""

    # What may be done
    modalities: tuple[Modality, ...] = MODALITIES["person"]
    """What may be learned: of face, body, voice, handwriting, signature."""
    uses: Names = ()
    """Specific uses, in words."""
    commercial: bool = False
    """Whether it may serve to earn money."""
    prohibitions: tuple[Prohibition, ...] = PROHIBITIONS
    """What is prohibited, whatever is permitted."""

    # Scope
    bases: Names = ()
    """Base models by their names in `sosie bases`, hub ids or folders."""
    audience: Names = ()
    """Who may see it, in words."""
    territory: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """Countries by their ISO 3166-1 codes."""
    media: Names = ()
    """Where it may be shown, in words."""
    starts: date | None = None
    """First day on which it holds."""
    remuneration: Words | None = None
    """What is given in return."""

    # Duties
    disclose: bool = True
    """Whether what is made must be marked as synthetic."""
    audit_first: bool = False
    """Whether nothing may be published before an audit found no copies of the pictures in it."""
    credit: Words | None = None
    """Whom to name where a picture is shown."""

    # Withdrawal
    withdraw_to: Words | None = None
    """Whom to write to."""
    withdraw_days: Annotated[int, Field(ge=0, le=365)] = 30
    """Within how many days what was published is taken down."""
    status: Words | None = None
    """Where the signed list of what still holds can be fetched."""


class Consent(_Told):
    """A permission, or with no acts the withdrawal of all that was given before."""

    subject: str
    """The name under which the person is filed."""
    who: str
    """The person (or writer) the permission is about."""
    relation: Relation
    signed_by: str
    acts: tuple[Act, ...]
    """What is permitted."""
    until: date | None = None
    """Last day on which it holds; None is without end."""
    evidence: str | None = None
    """Where the signed paper lies, or, for a synthetic subject, the recipe that drew it."""
    recorded: AwareDatetime
    """When, by the clock of the workspace."""
    terms: Terms | None = None
    """None in records of the first form: what `Terms` has as defaults holds for them."""

    @model_serializer(mode="wrap")
    def _as_signed(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        if self.terms is None:
            written.pop("terms", None)
        return written

    @property
    def bounds(self) -> Terms:
        """Its terms, or the defaults."""
        return self.terms or Terms()
