"""`sosie audit` at the door: what it prints, and the exit code that a script reads."""

import json

import pytest

from sosie.audit import Audit, Choice, Figure, Held, Interval, Point
from sosie.audit.page import told
from sosie.core.records import now
from sosie.studio import Studio
from sosie.studio.auditing import Audited
from tests.cli.door import sosie

JUDGE = "SFace"


def report(*states):
    """An audit whose figures ended in these states."""
    interval = Interval(value=0.6, low=0.45, high=0.7, n=32)
    mend = {"failed": "sosie doctor anna"}
    return Audit(
        sosie="0",
        adapter="anna-1",
        subject="anna",
        base="tiny",
        base_sha256="0" * 64,
        tensors_sha256="1" * 64,
        taken=now(),
        seed=1,
        prompts=("photo of {trigger}",),
        chosen_on=8,
        measured_on=32,
        judges={JUDGE: "2" * 64},
        held=Held(
            withheld=3,
            gone=0,
            leaked=("3" * 64,),
            with_face={JUDGE: 3},
            cosines={JUDGE: (0.4,)},
            own_median={JUDGE: 0.5},
        ),
        curve=(Point(step=4, strength=1.0, likeness={JUDGE: interval}, lean=0.0),),
        choice=Choice(step=4, strength=0.85, why="It is the most like.", worse_after=None),
        figures=tuple(
            Figure(name="learned", judge=JUDGE, interval=interval, state=s, mend=mend.get(s))
            for s in states
        ),
        not_measured=(),
        seconds=1.0,
    )


@pytest.fixture
def audited(monkeypatch, tmp_path):
    """Let an audit end with the given states; the call's settings are kept."""
    asked = {}

    def prepare(*states):
        record, page = tmp_path / "record.json", tmp_path / "page.html"
        record.write_text(json.dumps({"audit": report(*states).model_dump(mode="json")}))
        page.write_text("<!doctype html>")

        def audit(self, name, **settings):
            asked.update(settings, name=name)
            return Audited(report(*states), record, page)

        monkeypatch.setattr(Studio, "audit", audit)
        return asked

    return prepare


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("passed", "told"), 0),
        (("passed", "failed"), 1),
        (("failed", "not measured"), 1),
        (("passed", "not measured"), 2),
        (("passed", "unsure"), 2),
        (("failed", "unsure"), 1),
        (("told",), 2),
    ],
)
def test_the_exit_code_says_passed_failed_or_not_measured(audited, tmp_path, states, code):
    audited(*states)
    assert sosie(tmp_path / "home", "audit", "anna").code == code


def test_what_did_not_pass_names_its_command_and_the_choice_its_reason(audited, tmp_path):
    audited("failed")
    said = sosie(tmp_path / "home", "audit", "anna", columns=160).out
    assert "<lora:anna-1@4:0.85>" in said and "It is the most like." in said
    assert "sosie doctor anna" in said and "45% to 70%" in said and "at least 50%" in said
    assert "of 3 withheld pictures, 1 nearly equal a taught one" in said


def test_an_audit_of_other_weights_than_the_name_draws_with_says_so(audited, tmp_path, monkeypatch):
    audited("passed")
    said = sosie(tmp_path / "home", "audit", "anna", columns=200).out
    assert "alone draws" not in said, "an audit that does not know"
    for step in (4, 8):
        found = report("passed").model_copy(update={"own_step": step})
        assert "speaks of anna-1@4 at strength 0.85" in found.elsewhere
    choice = found.choice.model_copy(update={"strength": 1.0})
    assert found.model_copy(update={"own_step": 4, "choice": choice}).elsewhere is None
    done = Audited(found, tmp_path / "record.json", tmp_path / "page.html")
    monkeypatch.setattr(Studio, "audit", lambda self, name, **settings: done)
    said = sosie(tmp_path / "home", "audit", "anna", columns=200).out
    assert "anna-1 alone draws with step 8 at strength 1" in said
    assert "--lora anna-1@4" in said


def test_an_audit_is_read_as_it_was_judged():
    """Whatever the gates are now, and where an older one said less."""
    found = report("passed", "failed")
    assert (found.verdict, found.figures[0].least) == ("failed", 0.5)
    said = json.loads(found.model_dump_json())
    said["verdict"] = "passed"
    said["figures"][0]["least"] = 0.2
    read = Audit.model_validate(said)
    assert (read.verdict, told(read.figures[0]).bound) == ("passed", "at least 20%")
    for field in ("verdict", "own_step"):
        del said[field]
    del said["held"]["taught_gone"], said["choice"]["rising"]
    for figure in said["figures"]:
        del figure["least"], figure["most"]
    assert Audit.model_validate_json(json.dumps(said)) == found


def test_page_and_json_go_where_they_are_asked_for(audited, tmp_path):
    asked = audited("passed")
    words = ("audit", "anna@4", "--json", "--page", tmp_path / "here.html")
    answer = sosie(tmp_path / "home", *words, "--strength", 0.5, "--strength", 1, "--seeds", 3)
    assert json.loads(answer.out)["audit"]["adapter"] == "anna-1"
    assert (tmp_path / "here.html").read_text() == "<!doctype html>"
    assert (asked["name"], asked["strengths"], asked["measuring"]) == ("anna@4", (0.5, 1.0), 3)


def test_a_name_that_nothing_bears_is_refused(tmp_path):
    sosie(tmp_path / "home", "audit", "anna").refused(3, "no LoRA")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("anna", "--held-out", "."), "--held-out belongs to --copies"),
        (("anna", "--rights", "r.csv", "--at-most", 0.2), "--rights and --at-most belong"),
        (("anna", "--copies", "--seeds", 50), "--seeds belongs to an audit without --copies"),
        (("anna", "--each", 2), "--each belongs to --copies"),
        (("anna", "--copies", "--retrain"), "--retrain belongs to --mend"),
        (("anna", "--copies", "--folds", 2), "--folds belongs to --counterfactual"),
        (("--pictures", ".", "--against", ".", "--copies"), "belongs to an audit of a LoRA"),
        (("--pictures", ".", "--against", ".", "--seeds", 3), "belongs to an audit of a LoRA"),
        (("--pictures", ".", "--against", ".", "--mend"), "--mend belongs to --copies"),
    ],
)
def test_an_option_that_would_be_ignored_says_where_it_belongs(tmp_path, words, said):
    sosie(tmp_path / "home", "audit", *words).refused(2, said)
