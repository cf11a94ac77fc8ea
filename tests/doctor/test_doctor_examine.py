"""The examination as a whole: what is read, what is kept, what is proposed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

from sosie.core.errors import NotFound, WeightsRefused
from sosie.doctor import Checkup, Config, Finding, examine, table, wording
from sosie.doctor.examine import AHEAD, read
from sosie.doctor.rule import TOO_FEW, Rule
from sosie.doctor.rules import pose
from sosie.doctor.view import View


class Kept:
    """A shelf in memory that counts."""

    def __init__(self):
        self.texts, self.asked, self.put_times = {}, 0, 0

    def get(self, keys):
        self.asked += len(keys)
        return {key: self.texts[key] for key in keys if key in self.texts}

    def put(self, texts):
        self.put_times += 1
        self.texts.update(texts)


def test_a_good_set_is_ready_and_proposed_whole(make_set, portraits):
    checkup = examine(make_set(portraits), Config(hold_out=4, side=192))
    assert checkup.verdict == "ready", [f.rule for f in checkup.open]
    assert len(checkup.proposal.train) == 12 and len(checkup.proposal.hold_out) == 4
    assert not set(checkup.proposal.train) & set(checkup.proposal.hold_out)


def test_three_pictures_block(make_set, portraits):
    checkup = examine(make_set(portraits[:3]))
    assert checkup.verdict == "blocked"
    assert "count.few" in [f.rule for f in checkup.findings]


def test_an_empty_set_is_blocked_and_nothing_breaks(make_set):
    for kind in ("person", "handwriting"):
        checkup = examine(make_set([], kind))
        assert checkup.verdict == "blocked"
        assert checkup.proposal.train == ()
        assert [finding.rule for finding in checkup.findings] == ["count.few"]
        assert checkup.passed == ()


def test_rules_that_compare_pass_no_set_that_is_too_small(make_set, portraits, memory):
    checkup = examine(make_set(portraits[:3]), Config(side=192), shelf=memory)
    comparing = {rule.name: rule for rule in table.RULES if rule.least and "person" in rule.kinds}
    assert comparing and not comparing.keys() & set(checkup.passed)
    for name, rule in comparing.items():
        reasons = [entry.reason for entry in checkup.not_examined if entry.rule == name]
        assert TOO_FEW.format(rule.least) in reasons


def test_the_version_is_that_of_the_code_that_examines(monkeypatch, tmp_path):
    folder = tmp_path / "doctor"
    shutil.copytree(Path(table.__file__).parent, folder)
    monkeypatch.setattr(table, "files", lambda package: folder)
    versions = [table.code_sha256.__wrapped__()]
    assert table.version().startswith(versions[0])
    for name in ("page.py", "rules/who.py", "choose.py"):
        with (folder / name).open("a") as file:
            file.write("STRANGER = 0.4\n")
        versions.append(table.code_sha256.__wrapped__())
    assert versions[0] == versions[1] and len(set(versions)) == 3


def test_a_second_examination_reads_nothing_again(make_set, portraits, monkeypatch):
    dataset, shelf = make_set(portraits[:6]), Kept()
    first = examine(dataset, shelf=shelf)
    before = shelf.put_times
    monkeypatch.setattr("sosie.doctor.view.View.rgb", property(lambda self: 1 / 0))
    assert examine(dataset, shelf=shelf) == first
    assert shelf.put_times == before


def test_a_shelf_that_is_false_while_it_is_empty_is_filled(make_set, portraits):
    class Book(dict):
        def get(self, keys):
            return {key: self[key] for key in keys if key in self}

        put = dict.update

    shelf = Book()
    examine(make_set(portraits[:1]), shelf=shelf, only=("pixels.bars",))
    assert [key.split(":")[1] for key in shelf] == ["pixels"]


def test_the_working_set_does_not_grow_with_the_count(make_set, portraits, monkeypatch):
    """Of a long set, only the pictures that are being read are in memory at any time."""
    alive, most = weakref.WeakSet(), []

    class Watched(View):
        def __init__(self, *given):
            super().__init__(*given)
            alive.add(self)

    monkeypatch.setattr(sys.modules[examine.__module__], "View", Watched)
    dataset = make_set([portraits[n % 16] for n in range(80)])
    examine(dataset, only=("pixels.bars",), on_picture=lambda *_: most.append(len(alive)))
    assert len(most) == 80
    assert max(most) <= (AHEAD + 1) * (os.cpu_count() or 1) + 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_stored_picture_is_read_as_pillow_reads_it(mode, make_set, portraits):
    """In whatever mode it is, turned by nothing that it says of itself, by any name."""
    (item,) = make_set(portraits[:1]).items
    path = item.path.with_name("père 父.png")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(portraits[0]).convert(mode).save(path, exif=exif.tobytes())
    seen = View(item.model_copy(update={"path": path})).rgb
    with Image.open(path) as stored:
        assert np.array_equal(seen, np.asarray(stored.convert("RGB")))


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_stored_picture_that_cannot_be_read_is_not_examined(content, make_set, portraits):
    dataset = make_set(portraits[:4])
    path = dataset.items[2].path
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    checkup = examine(dataset, only=("pixels.bars",))
    (entry,) = checkup.not_examined
    assert entry.samples == (dataset.items[2].sample,)


def test_an_examination_gives_the_cores_back(make_set, portraits):
    """While it reads, each worker has one; whoever trains afterwards has them all."""
    import cv2
    import torch

    before, during = (cv2.getNumThreads(), torch.get_num_threads()), []

    def on_picture(done, of):
        during.append((cv2.getNumThreads(), torch.get_num_threads()))

    dataset, shelf, one = make_set(portraits[:2]), Kept(), (1, 1)
    for expected in (one, before):  # where all is kept, nothing is read
        during.clear()
        examine(dataset, shelf=shelf, only=("pixels.bars",), on_picture=on_picture)
        assert set(during) == {expected}
        assert (cv2.getNumThreads(), torch.get_num_threads()) == before


def test_missing_weights_are_not_examined_and_never_passed(make_set, portraits, monkeypatch):
    def refuse(rgb):
        raise WeightsRefused("The face models are not installed.")

    monkeypatch.setattr("sosie.doctor.view.find_faces", refuse)
    shelf = Kept()
    checkup = examine(make_set(portraits[:5]), shelf=shelf)
    entries = {entry.rule: entry for entry in checkup.not_examined}
    assert entries["pose.missing"].samples == ()
    assert "pose.missing" not in checkup.passed
    assert not any(":pose:" in key for key in shelf.texts), "a refusal must not be kept"


def test_a_picture_without_a_face_is_not_examined_for_pose(make_set, portraits):
    wall = np.full((128, 128, 3), 128, np.uint8)
    dataset = make_set([*portraits[:5], wall])
    checkup = examine(dataset)
    (entry,) = [e for e in checkup.not_examined if e.rule == "pose.missing"]
    assert entry.samples == (dataset.items[5].sample,)


def test_a_near_copy_is_never_proposed_beside_its_twin(make_set, portraits):
    copy = np.roll(portraits[0], 1, axis=1)
    dataset = make_set([*portraits, copy])
    checkup = examine(dataset)
    chosen = [*checkup.proposal.train, *checkup.proposal.hold_out]
    assert len({dataset.items[0].sample, dataset.items[16].sample} & set(chosen)) == 1


def test_a_dismissed_finding_no_longer_counts(make_set, portraits):
    noise = [
        np.random.default_rng(n).integers(0, 256, (96, 96, 3), dtype=np.uint8) for n in range(4)
    ]
    dataset = make_set([*noise, *portraits[:1]])
    checkup = examine(dataset)
    assert checkup.verdict == "blocked"
    assert dataset.items[0].sample in {left.sample for left in checkup.proposal.left_out}
    ids = frozenset(f.id for f in checkup.findings)
    again = examine(dataset, dismissed=ids)
    assert again.verdict == "ready" and {f.id for f in again.findings} == ids
    assert again.proposal.left_out == ()


def test_what_was_set_aside_as_a_hint_silences_no_blocker(make_set, portraits):
    nine = examine(make_set(portraits[:9]), only=("count.few",))
    (warning,) = nine.findings
    three = examine(make_set(portraits[:3]), only=("count.few",), dismissed={warning.id})
    assert three.verdict == "blocked"


def test_a_finding_keeps_its_id_while_it_says_the_same():
    said = Finding(rule="who.no_face", severity="warning", samples=("a", "b"), value=1)
    assert said.id == said.model_copy(update={"samples": ("b", "a"), "value": 2}).id
    assert said.id != said.model_copy(update={"severity": "blocker"}).id
    moles = [said.model_copy(update={"said": {"which": "chin", "at": at}}) for at in ("0 1", "1 1")]
    assert moles[0].id != moles[1].id
    whole = Finding(rule="setting.share", severity="warning", value=0.41, said={"have": 9})
    assert whole.id == whole.model_copy(update={"value": 0.43}).id
    assert whole.id != whole.model_copy(update={"value": 0.8}).id
    assert whole.id != whole.model_copy(update={"said": {"have": 20}}).id


def test_a_binding_finding_is_never_set_aside(make_set, portraits, monkeypatch):
    rule = Rule(
        name="safe.unsafe",
        judge=lambda case: [case.finding("safe.unsafe", "blocker", [0])],
        binding=True,
    )
    monkeypatch.setattr(table, "RULES", (rule,))
    (finding,) = examine(make_set(portraits[:1])).findings
    assert examine(make_set(portraits[:1]), dismissed={finding.id}).verdict == "blocked"


def test_a_checkup_survives_json(make_set, portraits):
    checkup = examine(make_set(portraits[:4]))
    assert Checkup.model_validate(json.loads(checkup.model_dump_json())) == checkup


@pytest.mark.parametrize("rule", [rule.name for rule in table.RULES])
def test_every_rule_has_its_words_in_every_language(rule):
    entry = wording.words()[rule]
    for part in ("title", "advice"):
        assert set(entry[part]) == set(wording.LANGUAGES)
        assert len({entry[part][language] for language in wording.LANGUAGES}) == 3


def test_words_name_only_rules():
    assert set(wording.words()) == {rule.name for rule in table.RULES}


def test_an_unknown_rule_is_named_with_the_nearest():
    with pytest.raises(NotFound, match=r"twins\.near"):
        table.rule("twins.nera")


@pytest.mark.parametrize(
    ("turn", "view"), [(0, "front"), (-0.3, "three-quarter"), (0.8, "profile")]
)
def test_turns_are_views(turn, view):
    assert pose.view_of(turn) == view


def families():
    return {family.name: family for rule in table.RULES for family in rule.needs}


SAYS_SO = """
import sys
from pathlib import Path
from sosie.core.records import Item
from sosie.doctor.view import View
path = Path(sys.argv[1])
item = Item(sample="x", pixels_sha256="x", file_name=path.name, path=path, caption="")
print(View(item, path).exif["ISOSpeedRatings"])
"""


def test_what_a_phone_wrote_into_a_heic_is_read(tmp_path):
    """In a process of its own: to register the decoder is for good."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 3200
    path = tmp_path / "given.heic"
    picture = pillow_heif.from_pillow(Image.new("RGB", (64, 64), "teal"))
    picture.save(path, exif=exif.tobytes())
    done = subprocess.run(
        [sys.executable, "-c", SAYS_SO, path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3200\n"


def test_a_reading_without_its_original_is_not_kept_for_the_one_with_it(make_set, tmp_path):
    dataset, shelf = make_set([np.full((64, 64, 3), 90, np.uint8)]), Kept()
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 10:00:00"
    given = tmp_path / "given.jpg"
    Image.new("RGB", (64, 64)).save(given, exif=exif.tobytes())
    needed = [families()[name] for name in ("twins", "pose")]
    for originals in ({}, {dataset.items[0].sample: given}):
        case = read(dataset, Config(), needed, originals=originals, shelf=shelf)
    assert case.taken["twins"][0].taken is not None
    assert len([key for key in shelf.texts if ":pose:" in key]) == 1


@pytest.mark.parametrize("family", families().values(), ids=families())
def test_only_families_that_say_so_read_the_original(family, make_set, portraits):
    view = View(make_set(portraits[:1]).items[0])
    if not family.original:
        del view.original
    family.measure(view)
