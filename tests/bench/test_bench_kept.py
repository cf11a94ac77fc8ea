"""Benchmarks keep what they made."""

import torch

from bench.kept import Ledger, side_by_side
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
