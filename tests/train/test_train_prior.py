"""Pictures of the class, drawn by the base alone and taught beside the subject's."""

import json

import pytest
from PIL import Image

from sosie import train
from sosie.core.errors import NotPermitted
from sosie.core.quoted import quoted
from tests.train.toys import Toy, dataset, picture

CONFIG = train.TrainConfig(steps=2, rank=2, prior_pictures=20, preview_every=0, waive=("steps",))


def drawn(folder):
    """The class pictures of a run: prompt, and width and height."""
    found = []
    for path in sorted((folder / "prior").rglob("*.png")):
        with Image.open(path) as image:
            found.append((json.loads(image.text["sosie"])["prompt"], image.size))
    return found


@pytest.fixture
def notes(tmp_path):
    """Six short notes and six long ones, each with a text of its own."""
    shapes = [(64, 32)] * 6 + [(128, 32)] * 6
    made = dataset(tmp_path / "n", [picture(i, shape) for i, shape in enumerate(shapes)], face=None)
    items = tuple(
        item.model_copy(update={"caption": f'handwriting of ohwx, the text reads "note {i}"'})
        for i, item in enumerate(made.items)
    )
    return made.model_copy(update={"kind": "handwriting", "items": items})


def taught(dataset, folder, config=CONFIG, **more):
    base, run = Toy(folder), folder / "run"
    train.train(dataset, base, config, folder=run, consent="c" * 64, **more)
    return run, train.Manifest.read(run / "manifest.json")


def test_those_of_a_handwriting_are_notes_like_the_ones_taught(notes, tmp_path):
    run, manifest = taught(notes, tmp_path)
    pictures = drawn(run)
    kept = [one for one in manifest.pictures if not one.withheld]
    of = {quoted(one.caption): one.crops[0][4:] for one in kept}
    assert len(pictures) == 20 and len(kept) < 12
    assert {size for _, size in pictures} == set(of.values()), "words and lines, no square"
    assert len(set(of.values())) == 2
    for prompt, size in pictures:
        assert prompt == f'handwriting, the text reads "{quoted(prompt)}"'
        assert of[quoted(prompt)] == size, "a text has the room that it was written in"
    assert {quoted(prompt) for prompt, _ in pictures} == set(of), "all of them lend theirs"


def test_what_the_user_asks_for_is_drawn(notes, tmp_path):
    for name, asked, expected in (
        ("bare", "a note in red ink", 'a note in red ink, the text reads "note '),
        ("quoted", 'a note that says "bread"', 'a note that says "bread"'),
    ):
        config = CONFIG.model_copy(update={"prior_prompt": asked})
        run, _ = taught(notes, tmp_path / name, config)
        assert all(prompt.startswith(expected) for prompt, _ in drawn(run))


def test_those_of_a_person_are_as_the_base_draws_best(tmp_path):
    run, _ = taught(dataset(tmp_path / "p", [picture(i) for i in range(12)]), tmp_path)
    assert drawn(run) == [("photo of a person", (32, 32))] * 20


def test_one_that_may_not_be_kept_ends_the_run(notes, tmp_path):
    with pytest.raises(NotPermitted, match='handwriting, the text reads "note'):
        taught(notes, tmp_path, keep=lambda drawn: None)
