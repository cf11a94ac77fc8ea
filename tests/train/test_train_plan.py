"""The dry run and the presets."""

import json

import pytest

from sosie import train
from sosie.core.errors import BadInput
from sosie.train import checks
from sosie.train.config import prodigy, small_base, standard
from sosie.train.planning import choose_steps
from tests.train.toys import Toy, dataset, picture


def dry(pictures, base, config=None, **more):
    config = config or train.TrainConfig()
    return train.plan(
        pictures, base.info, config, multiple=base.spatial_multiple, unread=base.unread, **more
    )


def test_an_empty_dataset_cannot_be_waived(tmp_path):
    plan = dry(dataset(tmp_path, []), Toy(tmp_path), train.TrainConfig(waive=("pictures",)))
    assert [c.name for c in plan.blockers] == ["pictures"]


def test_a_dry_run_writes_nothing_and_names_every_picture(tmp_path):
    pictures = dataset(tmp_path / "p", [picture(i) for i in range(12)], face=None)
    before = sorted(tmp_path.rglob("*"))
    plan = dry(pictures, Toy(tmp_path), folder=tmp_path / "run")
    assert sorted(tmp_path.rglob("*")) == before
    assert {c.name for c in plan.checks} == {"faces"}
    assert len(plan.split.withheld) == 3
    assert plan.steps == 900
    assert "9 pictures, each seen about 100 times" in plan.why_steps


def test_check_names_are_known_to_waivers(tmp_path):
    small = dataset(tmp_path / "p", [picture(1, (20, 20))] * 2)
    items = [i.model_copy(update={"caption": "same", "face": None}) for i in small.items]
    config = train.TrainConfig(buckets=(128,), steps=1, optimizer="adamw8bit")
    plan = dry(small.model_copy(update={"items": tuple(items)}), Toy(tmp_path), config)
    names = {c.name for c in plan.checks}
    assert {"pictures", "trigger", "captions", "crop-enlarged", "split", "optimizer"} <= names
    assert names <= checks.NAMES


def test_what_the_base_does_not_read_is_told(tmp_path):
    class Reader(Toy):
        """Reads 22 characters."""

        def unread(self, caption):
            return caption[22:]

    pictures = dataset(tmp_path / "p", [picture(i) for i in range(12)])
    config = train.TrainConfig(probes=("{trigger}", "{trigger} with red hair, in a coat"))
    assert not {"caption-length", "prompt-length"} & {
        check.name for check in dry(pictures, Toy(tmp_path), config).checks
    }
    checks = {check.name: check for check in dry(pictures, Reader(tmp_path), config).checks}
    cut = [item for item in pictures.items if item.caption[22:]]
    assert 0 < len(cut) < 12 and cut[0].file_name in checks["caption-length"].evidence
    assert checks["caption-length"].severity == "warning"
    assert checks["prompt-length"].evidence == (
        '"ohwx with red hair, in a coat": "a coat" is left out'
    )


def test_the_split_is_blamed_on_what_empties_it(tmp_path):
    many = dataset(tmp_path / "many", [picture(i) for i in range(12)])
    few = dataset(tmp_path / "few", [picture(i) for i in range(3)])
    (asked,) = dry(many, Toy(tmp_path), train.TrainConfig(withheld=())).blockers
    assert asked.what.startswith("Nothing is withheld")
    assert "withheld is empty" in asked.evidence and "few" not in asked.evidence
    assert "Name pictures in withheld" in asked.mend
    plan = dry(few, Toy(tmp_path))
    (sparse,) = (check for check in plan.blockers if check.name == "split")
    assert sparse.evidence == "3 pictures are too few to spare one"
    assert sparse.mend.startswith("Add pictures")


def test_a_disk_too_small_is_a_blocker(tmp_path, monkeypatch):
    from sosie.train import planning

    monkeypatch.setattr(planning, "_free", lambda folder: 0.0)
    pictures = dataset(tmp_path / "p", [picture(i) for i in range(12)])
    plan = dry(pictures, Toy(tmp_path), folder=tmp_path)
    assert "disk" in {c.name for c in plan.blockers}


def test_a_probe_times_real_steps_and_leaves_no_trace(tmp_path):
    base = Toy(tmp_path)
    before = {k: v.clone() for k, v in base.denoiser.state_dict().items()}
    pictures = dataset(tmp_path / "p", [picture(i) for i in range(12)])
    config = train.TrainConfig(rank=4)
    probe = train.probe(pictures, base, config, dry(pictures, base, config))
    assert probe.seconds_per_step > 0
    assert base.denoiser.state_dict().keys() == before.keys()
    plan = dry(pictures, base, config, probe=probe)
    assert plan.measured
    assert plan.minutes > 900 * probe.seconds_per_step / 60


@pytest.mark.parametrize(("pictures", "steps"), [(1, 200), (9, 900), (60, 2000)])
def test_steps_follow_the_pictures(pictures, steps):
    assert choose_steps(standard(), pictures)[0] == steps


def test_presets_and_a_bases_own_recipe(tmp_path):
    base = Toy(tmp_path)
    assert train.for_base(base.info, "person") == small_base()
    (tmp_path / "sosie.json").write_text(json.dumps({"training": {"steps": 77}}))
    assert train.for_base(base.info, "person") == small_base().model_copy(update={"steps": 77})
    one = {"training": {"steps": 77}, "training_of": {"handwriting": {"steps": 99, "rank": 4}}}
    (tmp_path / "sosie.json").write_text(json.dumps(one))
    assert train.for_base(base.info, "person").steps == 77
    hand = train.for_base(base.info, "handwriting")
    assert (hand.steps, hand.rank) == (99, 4)
    (tmp_path / "sosie.json").write_text(json.dumps({"training": {"stepz": 77}}))
    with pytest.raises(BadInput, match="stepz"):
        train.for_base(base.info, "person")
    assert prodigy(standard()).learning_rate == 1.0
