"""Whom on file a picture looks like, through the door."""

import shutil

import pytest
from PIL import Image

from sosie.cli.resembles import _gate
from sosie.core.errors import BadInput, NotFound
from sosie.core.terms import PROHIBITIONS
from sosie.models import faces
from sosie.studio import Studio
from sosie.studio.resembling import KEY
from sosie.world.people import person
from sosie.world.photo import photo
from tests.cli.door import sosie

NAMES = {"anna": 9, "berta": 19, "clara": 39}


def shot(seed, number, path):
    picture = photo(person(seed), seed=number, age=30, size=160, view="front view").picture
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("resembles")
    studio = Studio(root / "home")
    for name, seed in NAMES.items():
        studio.new(name, kind="person")
        studio.add(name, [shot(seed, number, root / f"{name}-{number}.png") for number in (1, 2)])
        permit(studio, name)
    return root / "home"


def permit(studio, name, *lifted):
    """A permission that lifts biometric identification, or what else is named."""
    kept = tuple(one for one in PROHIBITIONS if one not in (lifted or ("biometric",)))
    recipe = f"sosie.world person seed {NAMES[name]}"
    studio.consent(name, relation="synthetic", evidence=recipe, terms={"prohibitions": kept})


def test_the_one_on_file_comes_first_and_embeddings_are_kept(home, tmp_path, monkeypatch):
    picture = shot(NAMES["berta"], 50, tmp_path / "new.png")
    found = Studio(home).resembles(picture, rate=0.34).resemblances
    assert found.found[0].name == "berta" and found.people == 3 and found.supported
    calls = []
    real = faces.identity.describe
    counted = faces.Embedder(
        "SFace", faces.identity.sha256, lambda rgb: calls.append(1) or real(rgb)
    )
    monkeypatch.setattr(faces, "identity", counted)
    again = Studio(home).resembles(picture, among=["anna"], rate=0.34).resemblances
    assert not calls and [one.name for one in again.found] == ["anna"]


def test_the_gate_never_passes_what_too_few_people_cannot_tell(home, tmp_path):
    picture = shot(NAMES["berta"], 50, tmp_path / "new.png")
    answer = sosie(home, "resembles", picture, "--not-like")
    assert answer.code == 2 and "that takes 100" in " ".join(answer.out.split())
    assert sosie(home, "resembles", picture, "--not-like", "--rate", "0.4").code in (0, 1)


def test_a_picture_without_a_face_and_a_stranger_to_the_registry_are_told(home, tmp_path):
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "wall.png")
    with pytest.raises(BadInput, match="No face was found"):
        Studio(home).resembles(tmp_path / "wall.png")
    with pytest.raises(NotFound):
        Studio(home).resembles(shot(9, 3, tmp_path / "a.png"), among=["nobody"])


def test_who_has_not_permitted_it_is_left_out_and_told(home, tmp_path):
    studio = Studio(home)
    studio.new("dora")
    studio.add("dora", [shot(49, 1, tmp_path / "d.png")])
    permit(studio, "berta", "political")
    looked = studio.resembles(shot(39, 3, tmp_path / "a.png"), rate=0.5)
    assert {one.name for one in looked.resemblances.found} == {"anna", "clara"}
    assert [said.split()[0] for said in looked.left_out] == ['"berta"', '"dora"']
    assert _gate(False, told=not looked.left_out) == 2, "who was not compared may be the one"
    with pytest.raises(BadInput, match="berta"):
        studio.resembles(shot(39, 3, tmp_path / "a.png"), among=["berta"], rate=0.5)
    permit(studio, "berta")
    studio.forget("dora")


def test_forgetting_takes_the_embeddings(home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    studio = Studio(copy)
    pictures = [sample.picture_sha256 for sample in studio.show("anna").samples]
    studio.resembles(shot(39, 3, tmp_path / "a.png"), rate=0.5)
    keys = [f"{picture}:{KEY}/{faces.identity.sha256}" for picture in pictures]
    assert len(studio.registry.readings.get(keys)) == len(keys)
    studio.forget("anna")
    assert not studio.registry.readings.get(keys)


def test_who_has_withdrawn_is_left_out_and_told(home, tmp_path):
    studio = Studio(home)
    studio.consent("clara", relation="synthetic", acts=(), evidence="sosie.world person seed 39")
    looked = studio.resembles(shot(39, 3, tmp_path / "a.png"), rate=0.5)
    assert {one.name for one in looked.resemblances.found} == {"anna", "berta"}
    assert "clara" in looked.left_out[0]
