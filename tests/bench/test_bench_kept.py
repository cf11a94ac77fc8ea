"""Benchmarks keep what they made."""

from types import SimpleNamespace

import pytest
import torch

from bench import taught
from bench.kept import Ledger, bare, code_sha256, side_by_side
from sosie.core.records import Record


class Row(Record):
    number: int


def test_a_line_that_was_cut_off_is_left_out_and_spoils_no_other(tmp_path):
    ledger = Ledger(tmp_path / "new" / "rows.jsonl", Row)
    assert ledger.rows() == []
    ledger.add(Row(number=1), Row(number=2))
    ledger.path.write_bytes(ledger.path.read_bytes()[:-3])
    ledger.add(Row(number=3))
    assert [row.number for row in ledger.rows()] == [1, 3]


def test_jobs_have_processes_with_one_thread():
    assert sorted(side_by_side(threads, [1, 2, 3])) == [(1, 1), (2, 1), (3, 1)]


def threads(job):
    return job, torch.get_num_threads()


def test_words_and_the_mark_of_an_advisory_rule_are_no_other_code():
    told = 'LEAST = 4\n"""Why."""\nRULES = (Rule(name="x", advisory=True),)\n'
    plain = 'LEAST = 4\nRULES = (Rule(name="x"),)\n'
    assert bare(told) == bare(plain) != bare(plain.replace("4", "5"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that can be imported."""
    folder = tmp_path / "made_up"
    (folder / "below").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "below" / "steps.py").write_text('STEPS = 4\n"""How many."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_all_modules_of_a_package_are_its_code(package):
    before = code_sha256("made_up")
    steps = package / "below" / "steps.py"
    steps.write_text('STEPS = 4  # enough\n"""How many there are."""\n')
    assert code_sha256("made_up") == before
    steps.write_text("STEPS = 5\n")
    assert code_sha256("made_up") != before


def test_a_lora_of_other_code_is_taught_anew(package, monkeypatch, tmp_path):
    (tmp_path / "sosie.json").write_text("{}")
    info = SimpleNamespace(folder=tmp_path, content_sha256="0" * 64)
    monkeypatch.setattr(taught, "base", lambda: SimpleNamespace(info=info))
    monkeypatch.setattr(taught, "MAKERS", (*taught.MAKERS, "made_up"))
    recipe = taught.recipe.__wrapped__
    before = recipe()
    assert recipe() == before
    (package / "below" / "steps.py").write_text("STEPS = 5\n")
    assert recipe() != before
    assert {"sosie.train", "sosie.models.lora", "sosie.models.diffusion"} < set(taught.MAKERS)
