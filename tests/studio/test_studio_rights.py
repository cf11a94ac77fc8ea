"""Rights that travel: who signed what, what a file proves, and what a withdrawal reaches."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sosie.core.consent import Terms
from sosie.core.errors import BadInput, NotPermitted, WeightsRefused
from sosie.core.records import Run, now
from sosie.models import lora, unsafe
from sosie.models.lora import container
from sosie.rights import home_key
from sosie.studio import Studio, permission
from tests.cli.door import sosie
from tests.studio.household import QUICK, photo


def drawn(studio: Studio, base: Path, out: Path) -> Path:
    (file,) = studio.generate(
        "<lora:anna-1:0.8> anna", base=str(base), out=out, n=1, steps=1, device="cpu"
    ).files
    return file


def exported(studio: Studio, out: Path) -> Path:
    return studio.export_adapter("anna-1", out)[0]


def key(folder: Path) -> Path:
    """A signer's own key file."""
    folder.mkdir()
    home_key(folder)
    return folder / "key.pem"


def resealed(studio: Studio, path: Path, header: dict[str, str]) -> Path:
    """The LoRA at `path` with other header entries, signed anew by the workspace."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    whole = entries.pop("__metadata__") | header
    whole.pop(container.SIGNATURE)
    path.write_bytes(container.frame(entries, data[start:], whole))
    whole[container.SIGNATURE] = permission.seal(studio.registry)(lora.sealed(path).unsigned_sha256)
    path.write_bytes(container.frame(entries, data[start:], whole))
    return path


def test_a_permission_is_signed_by_the_house_and_by_who_gives_it(tmp_path):
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    record = studio.consent("anna", relation="self", sign_with=key(tmp_path / "anna"))
    hers, ours = studio.registry.signatures.of(record.sha256())
    assert (hers.role, ours.role) == ("subject", "trainer")
    assert ours.public_key == studio.registry.key().public != hers.public_key
    assert hers.holds() and ours.holds()
    with pytest.raises(BadInput, match="key of this workspace"):
        studio.consent("anna", relation="self", sign_with=tmp_path / "home" / "key.pem")
    with pytest.raises(BadInput, match="is nobody"):
        studio.consent(
            "anna", relation="synthetic", evidence="seed 1", sign_with=tmp_path / "anna" / "key.pem"
        )
    assert studio.registry.consents("anna") == (record,)


def test_a_clock_set_back_is_refused_with_the_reason(tmp_path):
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    today = now().astimezone().date()
    studio.consent("anna", relation="self", until=today)
    studio.permitted("train", "anna")
    later = now() + timedelta(days=2)
    studio.registry.add_run(
        Run(
            id="anna-1", subject="anna", base="pocket", state="done", step=1, steps=1,
            folder=tmp_path, pid=None, started=now(), ended=later,
        )
    )  # fmt: skip
    with pytest.raises(NotPermitted, match=f"is of {later:%Y-%m-%d}.*clock right"):
        studio.permitted("train", "anna")
    assert studio.withdraw("anna").consent.acts == (), "it can always be withdrawn"


def test_files_say_who_made_them_and_with_whose_permission(studio, trained, tmp_path):
    file, picture = exported(studio, tmp_path), drawn(studio, trained.base, tmp_path)
    for path, words in ((file, "LoRA"), (picture, "synthetic picture")):
        found = studio.verify(path)
        assert found.verdict == "as signed", found
        told = " ".join(found.told)
        assert words in told and "by the key of this workspace" in told
        assert "given in person without end: it stands today" in told
        assert [p.subject for p in found.permissions] == ["anna"]
        assert any("not a person" in sentence for sentence in found.unknown)
    answer = sosie(trained.home, "verify", file, picture)
    assert answer.code == 0 and "What cannot be known:" in answer.out
    rows = json.loads(sosie(trained.home, "verify", "--json", file).out)
    assert rows[0]["verdict"] == "as signed"
    # Elsewhere the bytes are proved, and the rest is said to be unknown.
    other = Studio(tmp_path / "other").verify(file)
    assert other.verdict == "as signed" and other.permissions[0].standing == "not on file"
    assert len(other.unknown) == 4


def test_changed_and_forged_files_are_told(studio, trained, tmp_path):
    file, picture = exported(studio, tmp_path), drawn(studio, trained.base, tmp_path)
    data = file.read_bytes()
    title = data.index(b"anna-1")
    changes = {
        "tensors": data[:-1] + bytes([data[-1] ^ 1]),
        "header": data[:title] + b"anna-2" + data[title + 6 :],
        "cut": data[: len(data) // 2],
    }
    verdicts = {}
    for name, changed in changes.items():
        (tmp_path / name).write_bytes(changed)
        verdicts[name] = studio.verify(tmp_path / name).verdict
    assert verdicts == {"tensors": "changed", "header": "changed", "cut": "not signed"}
    place = data.index(b'signature\\":\\"') + 14
    other = b"0" if data[place : place + 1] != b"0" else b"1"
    file.write_bytes(data[:place] + other + data[place + 1 :])
    assert studio.verify(file).verdict == "forged"
    assert sosie(trained.home, "verify", file).code == 1
    seen = bytearray(picture.read_bytes())
    seen[-200] ^= 1
    picture.write_bytes(seen)
    assert studio.verify(picture).verdict in ("changed", "forged", "not signed")
    (tmp_path / "words.txt").write_text("hello")
    assert sosie(trained.home, "verify", tmp_path / "words.txt").code == 2


def test_another_persons_permission_in_a_file_is_told(studio, tmp_path):
    studio.new("ben")
    bens = studio.consent("ben", relation="self")
    file = resealed(studio, exported(studio, tmp_path), {"sosie.consent_sha256": bens.sha256()})
    found = studio.verify(file)
    assert found.verdict == "forged"
    assert "It names a permission of another person, ben." in found.told


def test_an_ended_and_a_withdrawn_permission_are_told(studio, trained, tmp_path, monkeypatch):
    file = exported(studio, tmp_path)
    ended = studio.consent("anna", relation="self", until=now().astimezone().date())
    resealed(studio, file, {"sosie.consent_sha256": ended.sha256()})
    assert studio.verify(file).verdict == "as signed"
    with monkeypatch.context() as later:
        later.setattr(permission, "now", lambda: now() + timedelta(days=1))
        assert studio.verify(file).verdict == "ended"
    studio.consent("anna", relation="self", acts=())
    assert studio.verify(file).verdict == "withdrawn"
    assert sosie(trained.home, "verify", file).code == 1


def test_a_withdrawal_reaches_all_that_was_derived(studio, trained, tmp_path):
    file = exported(studio, tmp_path)
    early = studio.export_adapter("anna-1@2", tmp_path / "early.safetensors")[0]
    studio.new("ben")
    studio.consent("ben", relation="self")
    studio.import_adapter(file, subject="ben", name="twin")
    studio.import_adapter(early, subject="ben", name="early")
    answer = sosie(trained.home, "consent", "anna", "--withdraw")
    assert answer.code == 0, answer
    for name in ("LoRA anna-1", "LoRA twin", "LoRA early", "run anna-1"):
        assert name in answer.out
    for call in ("anna-1", "anna-1@2", "anna", "twin", "early"):
        with pytest.raises(NotPermitted, match='generate "anna"'):
            studio.generate(f"<lora:{call}:1> x", base=str(trained.base), out=tmp_path / "out")
        with pytest.raises(NotPermitted, match='export "anna"'):
            studio.export_adapter(call, tmp_path / "out")
    with pytest.raises(NotPermitted, match='train "anna"'):
        studio.train("anna", base=str(trained.base), overrides={})
    for subject in ("anna", "ben"):
        with pytest.raises(NotPermitted, match="was withdrawn on"):
            studio.import_adapter(file, subject=subject, name="again")
    assert not (tmp_path / "out").exists()
    assert {a.name for a in studio.registry.adapters()} == {"anna-1", "twin", "early"}


def test_a_lora_filed_under_another_says_whom_it_shows(studio, tmp_path, monkeypatch):
    file = exported(studio, tmp_path)
    studio.new("ben")
    _, (_, whom, use) = studio.import_adapter(file, subject="ben", name="bens")
    assert whom == "It is known here to show anna too, whose permission is asked as well."
    assert 'a permission for "ben"' in use
    studio.consent("ben", relation="self")
    studio.consent("anna", relation="self", until=now().astimezone().date())
    monkeypatch.setattr(permission, "now", lambda: now() + timedelta(days=1))
    _, (*_, use) = studio.import_adapter(file, subject="ben", name="again")
    assert 'a permission for "anna"' in use, "hers has ended"


def test_nothing_can_be_withdrawn_that_was_not_given(tmp_path):
    studio = Studio(tmp_path / "home")
    studio.new("anna")
    with pytest.raises(BadInput, match="nothing to withdraw"):
        studio.withdraw("anna")


def test_a_withdrawal_ends_a_run_before_its_next_step(studio, trained):
    def withdraw(kind: str, data: dict[str, object]) -> None:
        steps.append(data["step"]) if kind == "step" else None
        if steps[-1:] == [1] and len(studio.registry.consents("anna")) == 1:
            Studio(trained.home).withdraw("anna")

    steps: list[object] = []
    with pytest.raises(NotPermitted, match="withdrew every permission"):
        studio.train(
            "anna", base=str(trained.base), overrides=QUICK, device="cpu", on_event=withdraw
        )
    assert steps == [1]
    assert studio.runs("anna")[-1].state == "failed"
    assert [a.name for a in studio.registry.adapters()] == ["anna-1"]


# What is meant to be done


def asked(studio: Studio, base: Path, out: Path, words: str, **more: object) -> list[str]:
    """What is said while three pictures are drawn."""
    told: list[str] = []
    studio.generate(
        f"<lora:anna-1:0.8> {words}", base=str(base), out=out, n=3, steps=1, device="cpu",
        watermark=False, say=told.append, **more,
    )  # fmt: skip
    return told


def test_what_a_record_prohibits_is_not_drawn(studio, trained, tmp_path):
    out = tmp_path / "out"
    for words, what in (("anna naked", "sexual content"), ("anna, mugshot", "identification")):
        with pytest.raises(NotPermitted, match=f"prohibits .*{what}.*the prompt says"):
            asked(studio, trained.base, out, words)
        with pytest.raises(NotPermitted, match=what):
            studio.words(f"<lora:anna-1:0.8> {words}", base=str(trained.base), out=out)
    with pytest.raises(NotPermitted, match="sexual content"):
        studio.train("anna", base=str(trained.base), overrides={**QUICK, "probes": ["anna nude"]})
    assert not out.exists() and len(studio.runs("anna")) == 1
    # What is kept out of a picture may be named.
    asked(studio, trained.base, out, "anna", negative="nude", true_guidance=2.0)


def test_what_looks_explicit_is_not_written_and_it_is_told(studio, trained, tmp_path, monkeypatch):
    scores = iter((0.1, 0.9, 0.1))
    monkeypatch.setattr(unsafe, "score", lambda rgb: next(scores))
    out = tmp_path / "out"
    told = asked(studio, trained.base, out, "anna")
    assert any("seed 2 looks explicit" in line and "not written" in line for line in told)
    assert sorted(path.name for path in out.glob("anna-?.png")) == ["anna-1.png", "anna-3.png"]
    monkeypatch.setattr(unsafe, "score", lambda rgb: 0.9)
    with pytest.raises(NotPermitted, match="None of the pictures"):
        asked(studio, trained.base, tmp_path / "none", "anna")
    assert not (tmp_path / "none").exists()
    allowed = [p for p in Terms().prohibitions if p != "sexual"]
    studio.consent("anna", relation="self", terms={"prohibitions": allowed})
    assert asked(studio, trained.base, tmp_path / "all", "anna") == []


def test_without_the_detector_it_is_said_and_no_child_is_drawn(
    studio, trained, tmp_path, monkeypatch
):
    def refuse(rgb: object) -> float:
        raise WeightsRefused("The detector is not installed.")

    monkeypatch.setattr(unsafe, "score", refuse)
    told = asked(studio, trained.base, tmp_path / "out", "anna")
    assert [line for line in told if line.startswith("Not examined for explicit")] == told
    studio.withdraw("anna")
    born = now().date() - timedelta(days=3000)
    studio.consent(
        "anna", relation="guardian", who="Anna Weber", signed_by="Maria Weber",
        terms={"born": born, "authority": "birth certificate"},
    )  # fmt: skip
    with pytest.raises(WeightsRefused, match="not installed"):
        asked(studio, trained.base, tmp_path / "child", "anna")
    assert not (tmp_path / "child").exists()


def test_a_permission_that_ends_while_it_is_drawn_ends_the_drawing(
    studio, trained, tmp_path, monkeypatch
):
    def withdrawing(rgb: object) -> float:
        if len(list((tmp_path / "out").glob("*.png"))) == 1:
            Studio(trained.home).withdraw("anna")
        return 0.0

    monkeypatch.setattr(unsafe, "score", withdrawing)
    with pytest.raises(NotPermitted, match="withdrew every permission"):
        asked(studio, trained.base, tmp_path / "out", "anna")
    # The second was looked at before the word came; the third is not written.
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_a_record_bound_to_pictures_and_bases_holds_for_no_others(studio, trained, tmp_path):
    terms = {"only_these": True, "bases": [str(trained.base.resolve())]}
    record = studio.consent("anna", relation="self", terms=terms, holders={"0.png": "Studio Meier"})
    assert len(record.terms.pictures) == 6
    assert [p.copyright_holder for p in record.terms.pictures].count("Studio Meier") == 1
    studio.generate("<lora:anna-1:1> anna", base=str(trained.base), out=tmp_path, n=1, steps=1)
    with pytest.raises(NotPermitted, match="not on pocket"):
        studio.generate("<lora:anna-1:1> anna", base="pocket", out=tmp_path)
    studio.add("anna", [photo(tmp_path / "new", "new.png", 99, "photo of anna")])
    with pytest.raises(NotPermitted, match="is about 6 pictures"):
        studio.train("anna", base=str(trained.base), overrides=QUICK)


def test_a_lora_that_claims_a_permission_it_has_not_is_refused(studio, trained, tmp_path):
    file = exported(studio, tmp_path)
    data, before = file.read_bytes(), studio.registry.adapters()
    shown = studio.consent("anna", relation="self", acts=("publish",))
    studio.new("ben")
    bens = studio.consent("ben", relation="self")
    start = 8 + int.from_bytes(data[:8], "little")
    unsigned = json.loads(data[8:start])
    del unsigned["__metadata__"][container.SIGNATURE]
    bare = container.frame(
        {k: v for k, v in unsigned.items() if k != "__metadata__"},
        data[start:],
        unsigned["__metadata__"],
    )
    claims = {
        "changed": data.replace(b"anna-1", b"anna-2", 1),
        "unsigned": bare,
        "another's": resealed(studio, file, {"sosie.consent_sha256": bens.sha256()}).read_bytes(),
        "never to train": resealed(
            studio, file, {"sosie.consent_sha256": shown.sha256()}
        ).read_bytes(),
    }
    for name, claim in claims.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(claim)
        with pytest.raises(NotPermitted, match="claims a permission and does not prove it"):
            studio.import_adapter(path, subject="anna", name="again")
    assert studio.registry.adapters() == before
    for name in ("changed", "unsigned"):
        told = " ".join(studio.verify(tmp_path / f"{name}.safetensors").told)
        assert "It claims, and does not prove, that it was made with the permission" in told


def test_a_permission_that_expires_ends_a_run_before_its_next_step(studio, trained, monkeypatch):
    def midnight(kind: str, data: dict[str, object]) -> None:
        if kind == "step":
            steps.append(data["step"])
            monkeypatch.setattr(permission, "now", lambda: now() + timedelta(days=1))

    studio.consent("anna", relation="self", until=now().astimezone().date())
    steps: list[object] = []
    with pytest.raises(NotPermitted, match="held until"):
        studio.train(
            "anna", base=str(trained.base), overrides=QUICK, device="cpu", on_event=midnight
        )
    assert steps == [1] and [a.name for a in studio.registry.adapters()] == ["anna-1"]


def test_nothing_is_added_to_who_has_withdrawn(studio, tmp_path):
    studio.withdraw("anna")
    before = studio.show("anna").samples
    with pytest.raises(NotPermitted, match='add "anna"'):
        studio.add("anna", [photo(tmp_path, "new.png", 99)])
    assert studio.show("anna").samples == before


def test_who_takes_a_lora_out_hears_what_is_asked_in_return(studio, trained, tmp_path):
    terms = {"credit": "Paul Meier", "audience": ["family"], "territory": ["FR"]}
    studio.consent("anna", relation="self", terms=terms)
    answer = sosie(trained.home, "export", "anna-1", "--out", tmp_path)
    assert answer.code == 0, answer
    for words in ("Name Paul Meier", "seen by: family", "countries: FR", "Not to earn money"):
        assert words in answer.err, words
