"""Who may be modelled, and how: the one place that says yes or no.

Records are append-only. For each who signed, their latest record is their word, the whole of it:
what it leaves out it does not allow, and so says the paper. One without acts withdraws all that
anyone gave before. Where the words of several stand, all must permit: the stricter holds, and the
reason says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sosie.core.consent import Consent
from sosie.core.errors import NotPermitted
from sosie.core.records import Record
from sosie.core.terms import MAKING, Act, Prohibition
from sosie.rights.checked import same_name
from sosie.rights.clauses import Context, Objection, covers, ended, refused


class Decision(Record):
    """Whether an act is permitted, and why, in one sentence."""

    act: Act
    subject: str
    allowed: bool
    reason: str
    clause: str
    """The field of the record that decided, with a dot before what of it; "record" where none is on
    file, "clock" where the time cannot be trusted."""
    consent_sha256: str | None
    """Hash of the record that permits it, or that refuses or ended it; None if none does."""
    duties: tuple[str, ...] = ()
    """What comes with a permission, in sentences: a program cannot see to it."""
    prohibitions: tuple[Prohibition, ...] = ()
    """What is prohibited by any of the records that permit it."""


def decide(act: Act, subject: str, context: Context) -> Decision:
    """Whether `act` is permitted for the subject called `subject`."""
    return _weigh(act, subject, context)[0]


def decide_all(subject: str, context: Context) -> tuple[Decision, ...]:
    """`decide` for every act that makes something, in their usual order."""
    return tuple(decide(act, subject, context) for act in MAKING)


def require(act: Act, subject: str, context: Context) -> Consent:
    """The record that permits `act`.

    Raises NotPermitted with the reason, and what can be done about it.
    """
    decision, consent = _weigh(act, subject, context)
    if not decision.allowed or consent is None:
        raise refusal(decision)
    return consent


def refusal(decision: Decision) -> NotPermitted:
    """The error that tells of a decision against an act, and what can be done about it."""
    return NotPermitted(decision.reason, advice=_advice(decision))


def guarded(subject: str, consents: Sequence[Consent]) -> bool:
    """Whether a guardian ever signed for the subject: pictures may show a child, also when the
    person has come of age since and signs in person."""
    return any(c.subject == subject and c.relation == "guardian" for c in consents)


def _weigh(act: Act, subject: str, context: Context) -> tuple[Decision, Consent | None]:
    own = [consent for consent in context.consents if consent.subject == subject]
    if context.set_back:
        told = (
            f"the clock says {context.at:%Y-%m-%d %H:%M}, and something on file is of "
            f"{context.seen:%Y-%m-%d %H:%M} (UTC): whether a permission has ended cannot be told"
        )
        return _decision(act, subject, False, Objection("clock", told), None), None
    if not own:
        # Pictures come first: a permission is about them.
        none = Objection("record", "no permission is on file")
        return _decision(act, subject, act == "add", none, None), None
    last = max((i for i, consent in enumerate(own) if not consent.acts), default=-1)
    words = _words(own[last + 1 :])
    standing = [consent for consent in words if ended(act, consent, context) is None]
    for consent in standing:
        if objection := refused(act, consent, context):
            against = _named(consent, objection, others=len(standing) - 1, agree=False)
            return _decision(act, subject, False, against, consent), consent
    if standing:
        return _granted(act, subject, standing), standing[0]
    if words:
        over = ended(act, words[0], context)
        assert over is not None
        return _decision(act, subject, False, _named(words[0], over), words[0]), words[0]
    gone = _named(own[last], Objection("acts", "withdrew every permission"))
    return _decision(act, subject, False, gone, own[last]), own[last]


def _granted(act: Act, subject: str, standing: Sequence[Consent]) -> Decision:
    """The decision that all of `standing`, the latest first, permit."""
    until = min((consent.until for consent in standing if consent.until), default=None)
    why = Objection("acts", f"permits it{f' until {until}' if until else ''}")
    told = _named(standing[0], why, others=len(standing) - 1, agree=True)
    asked = dict.fromkeys(duty for consent in standing for duty in duties(consent))
    prohibited = {p for consent in standing for p in consent.bounds.prohibitions}
    return _decision(act, subject, True, told, standing[0]).model_copy(
        update={"duties": tuple(asked), "prohibitions": tuple(sorted(prohibited))}
    )


def _words(own: Sequence[Consent]) -> list[Consent]:
    """The latest record of each who signed, the latest first."""
    found: list[Consent] = []
    for consent in reversed(own):
        if not any(same_signer(consent, known) for known in found):
            found.append(consent)
    return found


def left_of(consent: Consent, later: Sequence[Consent], context: Context) -> tuple[Act, ...]:
    """What is left of a record's acts: none once it has ended by itself, and none that who signed
    it has left out of a `later` record."""
    anew = [one for one in later if same_signer(one, consent)]
    ends = (ended(act, consent, context) for act in consent.acts)
    if any(end is not None and end.clause != "starts" for end in ends):
        return ()
    return tuple(act for act in consent.acts if all(covers(one, act) for one in anew))


def same_signer(one: Consent, other: Consent) -> bool:
    """Whether two records are of one hand. A person is one, however the name is spelt; guardians
    and heirs may be several."""
    if one.relation != other.relation:
        return False
    return one.relation in ("self", "synthetic") or same_name(one.signed_by, other.signed_by)


def duties(consent: Consent) -> tuple[str, ...]:
    """What a record asks of who uses it, in sentences."""
    terms = consent.bounds
    told = [
        "Say that it is synthetic, wherever it is shown." if terms.disclose else None,
        f"Name {terms.credit} where it is shown." if terms.credit else None,
        f"Only for: {'; '.join(terms.uses)}." if terms.uses else None,
        f"Only to be seen by: {'; '.join(terms.audience)}." if terms.audience else None,
        f"Only in: {'; '.join(terms.media)}." if terms.media else None,
        f"Only in these countries: {', '.join(terms.territory)}." if terms.territory else None,
        None if terms.commercial else "Not to earn money with.",
        f"In return: {terms.remuneration}." if terms.remuneration else None,
    ]
    return tuple(sentence for sentence in told if sentence is not None)


def _named(
    consent: Consent, objection: Objection, *, others: int = 0, agree: bool = True
) -> Objection:
    """An objection with the record it comes from, and that there are others in force."""
    more = ""
    if others:
        how = "all permit it" if agree else "the stricter holds"
        more = f"; {others + 1} records are in force, and {how}"
    record = f"{consent.signed_by}'s record of {consent.recorded.date()}"
    return Objection(objection.clause, f"{record} {objection.why}{more}")


def _decision(
    act: Act, subject: str, allowed: bool, why: Objection, consent: Consent | None
) -> Decision:
    return Decision(
        act=act,
        subject=subject,
        allowed=allowed,
        reason=f'{"Permitted" if allowed else "Not permitted"} to {act} "{subject}": {why.why}.',
        clause=why.clause,
        consent_sha256=consent.sha256() if consent else None,
    )


def _advice(decision: Decision) -> str | None:
    if decision.clause == "clock":
        return "Set the clock right, and try again."
    if decision.clause.startswith("prohibitions"):
        return "Say it otherwise if something else was meant."
    if decision.clause in ("record", "acts", "until", "born"):
        return (
            f"Record a permission that covers it: sosie consent {shlex.quote(decision.subject)} "
            f"--self|--guardian|--estate|--synthetic … --acts {decision.act}"
        )
    return None
