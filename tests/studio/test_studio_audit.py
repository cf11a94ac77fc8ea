"""Audits through `Studio`: drawn, judged, signed and filed, by judges who see colours alone."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sosie import audit, generate, rights
from sosie.audit import PROMPTS, Interval, Panel, Unmeasured
from sosie.audit.figures import judged
from sosie.core.errors import BadInput, Interrupted, NotPermitted, WorkspaceError
from sosie.core.files import sha256_bytes
from sosie.models.faces import Embedder
from sosie.studio import Studio, drawing, references
from sosie.studio.photos import Photos
from sosie.studio.screening import Screen
from sosie.train import Checkpoint, Manifest
from tests.studio.household import QUICK, household, photos

STRENGTHS = (0.5, 1.0)
CHOSEN_BY = 8 * len(STRENGTHS) * 2
"""Choosing prompts, strengths, checkpoints."""
WHOLE = CHOSEN_BY + 2 * 2 * 16


def colours(rgb):
    """A face network for noise: what colours lie where."""
    cells = rgb.reshape(4, rgb.shape[0] // 4, 4, rgb.shape[1] // 4, 3).mean((1, 3)).ravel()
    cells = cells - 120
    return (cells / np.linalg.norm(cells)).astype(np.float32)


def by_colour(*, synthetic, taught_by_second=False):
    return Panel(
        faces=(Embedder("colours", "1" * 64, colours), Embedder("again", "2" * 64, colours)),
        scene=colours,
        reader=None,
        missing=(Unmeasured(what="obedience", why="nobody can read", mend=None),),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory, base):
    """A workspace in which a LoRA was audited once: its pictures are there."""
    folder = tmp_path_factory.mktemp("audited")
    studio = household(folder / "home", photos(folder / "photos", count=12))
    studio.train("anna", base=str(base), overrides=QUICK, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "panel", by_colour)
        audited(studio)
    return folder / "home"


@pytest.fixture
def studio(home, tmp_path, monkeypatch):
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.setattr(audit, "panel", by_colour)
    return Studio(tmp_path / "home")


def seen(studio):
    """What the judges saw, file by file, in the order of drawing."""
    paths = studio.run_folder("anna-1").glob("audit/*/*/**/*.json")
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns)


def audited(studio, name="anna", **more):
    return studio.audit(name, device="cpu", strengths=STRENGTHS, **more)


def test_nobody_is_forgotten_while_they_are_audited(studio):
    def forgetting(kind, data):
        if kind == "point":
            with pytest.raises(WorkspaceError, match="being audited: LoRA anna-1"):
                Studio(studio.registry.home).forget("anna")
            told.append(kind)

    told, folder = [], studio.run_folder("anna-1")
    audited(studio, on_event=forgetting)
    assert told and folder.exists()
    studio.forget("anna")
    assert not folder.exists()


def test_an_audit_is_whole_signed_and_on_file(studio):
    told = []
    done = audited(studio, on_event=lambda kind, data: told.append((kind, data)))
    found = done.audit
    assert told[0][1]["pictures"] == WHOLE
    assert told[-1][0] == "audited"
    filed = [event.kind for event in studio.registry.events("anna-1")]
    assert filed[-6:] == ["audit", "point", "point", "point", "point", "audited"]
    assert [(p.step, p.strength) for p in found.curve] == [(2, 0.5), (2, 1.0), (4, 0.5), (4, 1.0)]
    assert (found.chosen_on, found.measured_on) == (8, 32)
    assert found.verdict == "not measured", "noise is nobody"
    whys = {figure.why for figure in found.figures if figure.name == "learned"}
    assert whys == {"the base alone is already as like as two real pictures are to each other"}
    assert {figure.judge for figure in found.figures} >= {"colours", "again"}
    signed = json.loads(done.record.read_text())
    signature = rights.parsed(json.dumps(signed["signature"]))
    assert signature.holds() and signature.about == found.sha256()
    assert audit.Audit.model_validate(signed["audit"]) == found
    (filed,) = studio.registry.audits.of("anna-1")[1:]
    assert sha256_bytes(filed.record.encode()) == found.sha256() == filed.signatures[0].about
    assert filed.tensors_sha256 == found.tensors_sha256


def a_fifth(made, base, known):
    """Figures of a LoRA that went a fifth of the way."""
    interval = Interval(value=0.2, low=0.1, high=0.3, n=32)
    return [judged(name, interval, judge) for name in ("learned", "garments") for judge in known]


def test_what_failed_names_the_command_that_mends_it(studio, monkeypatch):
    monkeypatch.setattr(audit, "measure", a_fifth)
    found = audited(studio).audit
    assert found.verdict == "failed"
    assert all(figure.mend and "sosie " in figure.mend for figure in found.figures)
    assert not any("{" in figure.mend for figure in found.figures)


def test_what_was_not_measured_names_no_command(studio):
    found = [figure for figure in audited(studio).audit.figures if figure.state == "not measured"]
    assert found and not any(figure.mend for figure in found)


def test_the_page_is_one_file_and_says_why(studio):
    found = audited(studio)
    page = found.page.read_text()
    assert "http" not in page and "<script" not in page
    assert found.audit.choice.why.split(" (")[0] in page
    assert page.count("data:image/jpeg") == 2 * 4 + 3  # two sheets, and what was withheld
    assert "nobody can read" in page


def test_an_audit_that_was_stopped_goes_on(studio, monkeypatch):
    drawn = []
    real = generate.save

    def save(*args, **more):
        drawn.append(1)
        return real(*args, **more)

    monkeypatch.setattr(generate, "save", save)
    first = audited(studio).audit
    assert drawn == [], "all pictures were there"
    for path in seen(studio)[-5:]:
        path.unlink()
    assert audited(studio).audit.figures == first.figures, "looked at again"
    assert drawn == [], "and not drawn again"
    for path in seen(studio)[-5:]:
        path.unlink()
        path.with_suffix(".png").unlink()
    with pytest.raises(Interrupted, match=f"after {WHOLE - 2} of {WHOLE}"):
        audited(studio, should_stop=lambda: len(drawn) == 3)
    again = audited(studio).audit
    assert len(drawn) == 5
    same = {"taken", "seconds"}
    assert first.model_dump(exclude=same) == again.model_dump(exclude=same)


def test_a_judge_that_comes_later_looks_at_the_same_pictures(studio, monkeypatch):
    monkeypatch.setattr(generate, "save", None)  # nothing is drawn again
    first = audited(studio).audit
    more = Embedder("later", "3" * 64, colours)

    def with_one_more(**asked):
        panel = by_colour(**asked)
        return replace(panel, faces=(*panel.faces, more), reader=lambda rgb: {"background": "?"})

    monkeypatch.setattr(audit, "panel", with_one_more)
    second = audited(studio).audit
    assert set(second.judges) - set(first.judges) == {"later"}
    assert {"obedience", "learned"} <= {figure.name for figure in second.figures}
    other = Embedder("colours", "5" * 64, lambda rgb: -colours(rgb))
    monkeypatch.setattr(
        audit, "panel", lambda **asked: replace(by_colour(**asked), faces=(other, more))
    )
    audited(studio)
    assert all(json.loads(p.read_text())["by"]["colours"] == "5" * 64 for p in seen(studio))


def test_its_pictures_are_signed_and_say_what_made_them(studio):
    done = audited(studio)
    paths = sorted(done.record.parent.rglob("step-000004/1/*.png"))
    made = generate.read_back(paths[0])
    assert made.prompt.startswith(PROMPTS[0].text.replace("{trigger}", "anna"))
    assert made.loras[0].consent_sha256 == studio.show("anna").consents[0].sha256()
    assert studio.verify(paths[0]).verdict == "as signed"


def test_one_checkpoint_can_be_asked_for(studio, monkeypatch):
    monkeypatch.setattr(audit, "measure", a_fifth)
    found = audited(studio, "anna-1@2").audit
    assert {point.step for point in found.curve} == {2}
    assert found.choice.step == 2 and found.choice.rising is None
    longer = [figure.mend for figure in found.figures if figure.name == "learned"]
    assert longer == ["sosie train anna --steps 8"] * 2, "the run took four"


def test_a_withdrawal_ends_it(studio):
    for path in seen(studio)[-2:]:
        path.unlink()

    def withdrawn_meanwhile():
        studio.withdraw("anna")
        return False

    with pytest.raises(NotPermitted):
        audited(studio, should_stop=withdrawn_meanwhile)
    assert len(seen(studio)) == WHOLE - 2


def test_a_picture_that_a_record_prohibits_is_not_kept(studio, monkeypatch):
    last = seen(studio)[-1]
    last.unlink()
    last.with_suffix(".png").unlink()
    monkeypatch.setattr(Screen, "passes", lambda self, picture: False)
    with pytest.raises(NotPermitted):
        audited(studio)
    assert not last.with_suffix(".png").exists()


def test_held_out_pictures_that_leaked_judge_nothing(studio):
    manifest = Manifest.read(studio.run_folder("anna-1") / "manifest.json")
    taught = next(p for p in manifest.pictures if not p.withheld)
    leak = taught.model_copy(update={"withheld": True})
    real = references.reals(
        studio.registry, manifest.model_copy(update={"pictures": (*manifest.pictures, leak)})
    )
    assert real.leaked == (taught.sample,)
    assert len(real.held_out) == 3 and real.withheld == 4
    gone = studio.registry.blobs.path(next(p.sample for p in manifest.pictures if p.withheld))
    gone.unlink()
    studio.registry.blobs.path(taught.sample).unlink()
    left = references.reals(studio.registry, manifest)
    assert (left.gone, left.taught_gone) == (1, 1)


def test_what_cannot_be_measured_is_said_before_anything_is_drawn(
    studio, home, base, tmp_path, monkeypatch
):
    file, *_ = studio.export_adapter("anna-1", tmp_path)
    studio.import_adapter(file, subject="anna", name="stranger")
    with pytest.raises(BadInput, match="was not trained here"):
        audited(studio, "stranger")
    with pytest.raises(BadInput, match="strengths"):
        studio.audit("anna", strengths=("strong",))
    blind = by_colour(synthetic=False)
    nobody = Embedder("blind", "3" * 64, lambda rgb: None)
    monkeypatch.setattr(audit, "panel", lambda **_: Panel((nobody,), None, None, blind.missing))
    with pytest.raises(BadInput, match="Only 0 of the held-out pictures show a face"):
        audited(studio, "anna-1")
    assert len(seen(studio)) == WHOLE


def test_too_few_withheld_pictures_have_a_clear_outcome(studio):
    path = studio.run_folder("anna-1") / "manifest.json"
    manifest = Manifest.read(path)
    kept = [p for p in manifest.pictures if p.withheld][:1] + [
        p for p in manifest.pictures if not p.withheld
    ][:2]
    manifest.model_copy(update={"pictures": tuple(kept)}).write(path)
    with pytest.raises(BadInput, match=r"Only 1 of the held-out .* at least 3") as refused:
        audited(studio)
    assert "sosie add" in refused.value.advice


def test_an_audit_is_forgotten_with_its_subject(studio):
    done = audited(studio)
    studio.forget("anna")
    assert not done.record.exists()
    assert studio.registry.audits.of("anna-1") == ()


def test_a_run_keeps_the_checkpoint_whose_previews_are_most_like(tmp_path, base, monkeypatch):
    """By a judge for whom what is drawn first is like the person, and nothing later."""
    from sosie.models import faces

    looked = []

    def early(rgb):
        looked.append(1)
        like = len(looked) <= 12 + 2
        return np.array([1, 0] if like else [0, 1], np.float32)

    monkeypatch.setattr(faces, "identity", Embedder("early", "4" * 64, early))
    studio = household(tmp_path / "home", photos(tmp_path / "photos", count=12))
    told = []
    adapter = studio.train(
        "anna",
        base=str(base),
        overrides={**QUICK, "preview_every": 2, "probes": ["photo of {trigger}", "{trigger}"]},
        device="cpu",
        on_event=lambda kind, data: told.append((kind, data)),
    )
    assert [data["score"] for kind, data in told if kind == "score"] == [1, 0]
    assert adapter.step == 2
    file = studio.registry.blobs.path(adapter.file_sha256)
    kept = studio.run_folder("anna-1") / "checkpoints" / "step-000002" / "adapter.safetensors"
    assert file.read_bytes() == kept.read_bytes()


def test_a_checkpoint_that_cannot_be_judged_has_no_score(studio, tmp_path, monkeypatch):
    from sosie.models import faces

    base = drawing.load(studio.registry.run("anna-1").base, "cpu")

    def scorer(dataset):
        return references.scorer(studio.registry, dataset, base)

    dataset = studio.show("anna").dataset
    folder = studio.run_folder("anna-1") / "checkpoints" / "step-000002"
    hashes = {"file_sha256": "0" * 64, "tensors_sha256": "0" * 64}
    bare = Checkpoint(step=2, folder=folder, adapter=folder / "adapter.safetensors", **hashes)
    drawn = bare.model_copy(update={"previews": (seen(studio)[0].with_suffix(".png"),)})
    monkeypatch.setattr(faces, "identity", Embedder("colours", "1" * 64, colours))
    assert scorer(dataset)(bare) is None, "no previews"
    score = scorer(dataset)(drawn)
    assert score.copied is None, "nothing was asked by a training caption"
    monkeypatch.setattr(Photos, "best", Photos.as_taught)  # a tiny autoencoder gives nothing back
    photographs = Photos(studio.registry, base, Manifest.read(folder.parents[1] / "manifest.json"))
    given_back = tmp_path / "1.png"
    Image.fromarray(photographs.as_taught(photographs.names[0])).save(given_back)
    echoed = drawn.model_copy(update={"taught": (given_back, *drawn.previews)})
    again = scorer(dataset)(echoed)
    assert (again.likeness, again.copied) == (score.likeness, 0.5)
    writing = dataset.model_copy(update={"kind": "handwriting"})
    assert scorer(writing)(drawn) is None
    monkeypatch.setattr(faces, "identity", Embedder("blind", "2" * 64, lambda rgb: None))
    assert scorer(dataset)(drawn) is None
