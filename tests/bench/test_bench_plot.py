"""Plots are drawn at round levels."""

from hypothesis import given
from hypothesis import strategies as st

from bench.plot import TICKS, round_levels


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_levels_are_round_and_hold_all_values(low: float, span: float):
    levels = round_levels(low, low + span)
    assert levels[0] <= low + 1e-6 * span and levels[-1] >= low + span * (1 - 1e-6)
    assert 3 <= len(levels) <= 2 * TICKS + 2
    assert all(len(f"{level:g}".lstrip("-").replace(".", "")) <= 8 for level in levels)


def test_levels_of_shares():
    assert round_levels(0, 0.93) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
