"""A record as an ODRL 2.2 policy (https://www.w3.org/TR/odrl-model/), for programs of others.

ODRL has no words for learning from a likeness, so acts and prohibitions are actions of a profile of
our own (`sosie:`); dates, places, media, attribution and commerce are ODRL's. The policy follows
from the record and is not signed by itself: where the two differ, the record holds.
"""

from __future__ import annotations

from typing import Any

from sosie.core.consent import Consent
from sosie.core.terms import ACTS
from sosie.rights.clauses import birthday, covers

PROFILE = "urn:sosie:odrl:1"
CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", {"sosie": f"{PROFILE}:"}]


def policy(consent: Consent) -> dict[str, Any]:
    """The policy: an agreement, or with no acts one that prohibits all use."""
    terms = consent.bounds
    banned = [f"sosie:{prohibition}" for prohibition in terms.prohibitions]
    banned += [] if terms.commercial else ["cc:CommercialUse"]
    rule = {"target": f"urn:sosie:likeness:{consent.subject}"}
    given = [act for act in ACTS if covers(consent, act)]
    whole: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": f"urn:sha256:{consent.sha256()}",
        "profile": PROFILE,
        "assigner": consent.signed_by,
        "assignee": terms.trainer or "who recorded it",
        "permission": [
            {
                **rule,
                "action": f"sosie:{act}",
                "constraint": _constraints(consent),
                "duty": _duties(consent),
            }
            for act in given
        ],
        "prohibition": [
            {**rule, "action": action} for action in (banned if given else ["odrl:use"])
        ],
    }
    return {key: value for key, value in whole.items() if value != []}


def _constraints(consent: Consent) -> list[dict[str, Any]]:
    terms = consent.bounds
    ends = [consent.until] if consent.until else []
    dated: list[tuple[str, Any]] = [("lteq", end) for end in ends]
    dated += [("gteq", terms.starts)] if terms.starts else []
    if consent.relation == "guardian" and terms.born:
        dated.append(("lt", birthday(terms.born)))
    found = [
        _constraint("dateTime", operator, {"@value": str(day), "@type": "xsd:date"})
        for operator, day in dated
    ]
    listed = {
        "spatial": [f"urn:iso:std:iso:3166:{code}" for code in terms.territory],
        "media": list(terms.media),
        "recipient": list(terms.audience),
        "purpose": list(terms.uses),
        "sosie:base": list(terms.bases),
        "sosie:modality": list(terms.modalities),
    }
    return found + [_constraint(key, "isAnyOf", rows) for key, rows in listed.items() if rows]


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _duties(consent: Consent) -> list[dict[str, Any]]:
    terms = consent.bounds
    found: list[dict[str, Any]] = []
    if terms.disclose:
        found.append({"action": "sosie:disclose"})
    if terms.credit:
        found.append({"action": "attribute", "attributedParty": terms.credit})
    if terms.audit_first:
        found.append({"action": "sosie:audit"})
    if terms.remuneration:
        found.append({"action": "compensate", "sosie:remuneration": terms.remuneration})
    return found
