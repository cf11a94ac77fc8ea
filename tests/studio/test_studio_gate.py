"""The gate: no public method of `Studio` reaches a person's weights without her permission."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sosie.core.errors import NotPermitted
from sosie.core.records import now
from sosie.core.release import Release
from sosie.core.terms import Act
from sosie.models import lora
from sosie.models.diffusion import resolve
from sosie.registry.labels import Wanted
from sosie.studio import Studio, card, drawing, permission, training
from sosie.studio.rooms import shelf
from tests.registry.shelf import shelve
from tests.studio.household import photo

Call = Callable[[Studio, Path], object]

GATED: dict[str, tuple[Act, Call]] = {
    "plan": ("train", lambda s, tmp: s.plan("anna", base="tiny", overrides={})),
    "train": ("train", lambda s, tmp: s.train("anna", base="tiny", overrides={})),
    "reproduce": ("train", lambda s, tmp: s.reproduce(Path("anna-1"))),
    "generate": ("generate", lambda s, tmp: s.generate("<lora:anna:1>", base="tiny", out=tmp)),
    "words": ("generate", lambda s, tmp: s.words("<lora:anna:1>", base="tiny", out=tmp)),
    "export_pictures": ("export", lambda s, tmp: s.export_pictures("anna", tmp)),
    "audit": ("generate", lambda s, tmp: s.audit("anna-1")),
    "audit_copies": ("generate", lambda s, tmp: s.audit_copies("anna-1")),
    "mend_copies": ("generate", lambda s, tmp: s.mend_copies("anna-1")),
    "export_adapter": ("export", lambda s, tmp: s.export_adapter("anna-1", tmp)),
    "publish": ("publish", lambda s, tmp: s.publish("anna", "v1")),
    "card": ("publish", lambda s, tmp: s.card("anna@v1", tmp)),
    "push": ("export", lambda s, tmp: s.push("anna@v1", str(tmp))),
    "offered": ("serve", lambda s, tmp: s.offered("anna")),
    "offered_as": ("serve", lambda s, tmp: s.offered_as(_release(s).sha256()[:13])),
    "hand_out": ("serve", lambda s, tmp: s.hand_out("anna", _release(s).lora.file_sha256)),
    "packed": ("serve", lambda s, tmp: s.packed("anna@v1")),
    "permitted": ("merge", lambda s, tmp: s.permitted("merge", "anna")),
}
GATHERING: dict[str, Call] = {
    "add": lambda s, tmp: s.add("anna", [photo(tmp.parent, "new.png", 99)]),
    "mend": lambda s, tmp: s.mend("anna", ["resize"], pictures=["1.png"], options={"side": 32}),
    "suggest_captions": lambda s, tmp: s.suggest_captions("anna", captioner=Spy()),
}
"""Verbs that take in pictures or work on them: free until somebody signs, and then no longer."""
FREE = {
    *(
        "new",
        "remove",
        "show",
        "overviews",
        "caption",
        "consent",
        "bases",
        "runs",
        "run_folder",
    ),
    *("follow", "import_adapter", "tidy", "doctor", "report", "dismiss", "restore"),
    *("verify", "status", "compare", "resembles"),
    "forget",
    "withdraw",
    *("make_key", "paper", "give_consent", "take_consent", "take_releases"),
    *("unmend", "mends", "offers"),
    "file_captions",
    *("alias", "releases"),
    *("make_token", "tokens", "revoke_token", "token_of"),
    "downloads",
    *("versions", "on_offer", "with_hash"),  # they pass over what may not be handed out
    *("pull", "admit", "take_in", "file_away"),  # what comes in is weighed in tests/web
}
"""Verbs that read or write records and the user's own files; none gives weights away."""


SHELF = ("card", "push", "offered", "offered_as", "hand_out", "packed")
"""Verbs that need a release."""


def _release(studio: Studio) -> Release:
    [shelved] = studio.registry.releases.all()
    return shelved.release


def test_every_public_method_is_weighed():
    public = {name for name in dir(Studio) if not name.startswith("_")}
    assert public == set(GATED) | set(GATHERING) | FREE


@pytest.mark.parametrize("state", ["none", "expired", "withdrawn", "other acts"])
@pytest.mark.parametrize("verb", GATED)
def test_without_permission_nothing_is_reached(verb, state, trained, tmp_path, monkeypatch):
    act, call = GATED[verb]
    studio = Studio(trained.home)
    if verb in SHELF:
        shelve(studio.registry, trained.adapter)
    if state == "none":
        monkeypatch.setattr(type(studio.registry), "consents", lambda self, name: ())
    if state == "withdrawn":
        studio.consent("anna", relation="self", acts=())
    if state == "expired":
        everything: tuple[Act, ...] = ("train", "generate", "export", "merge", "publish")
        studio.consent("anna", relation="self", acts=everything, until=date.today())
        monkeypatch.setattr(permission, "now", tomorrow)
    if state == "other acts":
        studio.consent("anna", relation="self", acts=())
        studio.consent(
            "anna", relation="self", acts=("export",) if act == "publish" else ("publish",)
        )

    def reached(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"{verb} reached weights without permission")

    for module, name in (
        (lora, "read"),
        (resolve, "load_base"),
        (drawing, "load"),
        (drawing, "pixels"),
        (lora, "sealed"),
        (card, "page"),
        (shelf, "write_atomically"),
        (training, "new_run"),
    ):
        monkeypatch.setattr(module, name, reached)
    out = tmp_path / "out"
    with pytest.raises(NotPermitted, match=f'Not permitted to {act} "anna"'):
        call(studio, out)
    assert not out.exists()


class Spy:
    """A captioner that no picture may reach."""

    name = "spy"

    def describe(self, picture: Path) -> str:
        raise AssertionError(f"{picture} was shown")


@pytest.mark.parametrize("state", ["expired", "withdrawn", "other acts"])
@pytest.mark.parametrize("verb", GATHERING)
def test_once_a_permission_has_ended_no_picture_is_worked_on(
    verb, state, trained, tmp_path, monkeypatch
):
    studio = Studio(trained.home)
    if state == "withdrawn":
        studio.withdraw("anna")
    if state == "other acts":
        studio.consent("anna", relation="self", acts=("talk",))
    if state == "expired":
        studio.consent("anna", relation="self", until=date.today())
        monkeypatch.setattr(permission, "now", tomorrow)
    before = studio.registry.samples("anna"), len(list(trained.home.rglob("*")))
    with pytest.raises(NotPermitted, match='Not permitted to add "anna"'):
        GATHERING[verb](studio, tmp_path / "out")
    assert (studio.registry.samples("anna"), len(list(trained.home.rglob("*")))) == before


def test_what_may_not_be_handed_out_is_on_no_list(studio, trained):
    release = shelve(studio.registry, trained.adapter).release
    start = release.lora.file_sha256[:10]
    studio.consent("anna", relation="self", who="Anna Weber", acts=("serve",))
    wanted = Wanted(sort="newest")
    assert studio.versions("anna") and list(studio.on_offer(wanted)) and studio.with_hash(start)
    studio.withdraw("anna")
    assert not (studio.versions("anna") or list(studio.on_offer(wanted)) or studio.with_hash(start))


def tomorrow() -> datetime:
    """A time at which a permission until today has ended."""
    return now() + timedelta(days=1)


def test_every_lora_of_a_prompt_must_be_permitted(studio, trained, tmp_path):
    file, *_ = studio.export_adapter("anna-1", tmp_path)
    studio.new("ben")
    studio.import_adapter(file, subject="ben", name="ben-1")
    with pytest.raises(NotPermitted, match='generate "ben"'):
        studio.generate(
            "<lora:anna-1:1> <lora:ben-1:0.1> anna ben", base=str(trained.base), out=tmp_path / "o"
        )
