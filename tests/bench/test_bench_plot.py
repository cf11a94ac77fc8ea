"""Plots are drawn at round levels."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plot import TICKS, Point, chart, panels, round_levels


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_levels_are_round_and_hold_all_values(low: float, span: float):
    levels = round_levels(low, low + span)
    assert levels[0] <= low + 1e-6 * span and levels[-1] >= low + span * (1 - 1e-6)
    assert 3 <= len(levels) <= 2 * TICKS + 2
    assert all(len(f"{level:g}".lstrip("-").replace(".", "")) <= 8 for level in levels)


def test_levels_of_shares():
    assert round_levels(0, 0.93) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_panels_do_not_cover_each_other():
    charts = [
        chart({"a": [Point(0, n, n, n + 1), Point(1, n, n, n + 1)]}, x="x", y="y")
        for n in (1, 2, 3)
    ]
    whole = ElementTree.fromstring(panels(charts, 2))
    boxes = [[float(inner.get(key)) for key in ("x", "y", "width", "height")] for inner in whole]
    _, _, width, height = map(float, whole.get("viewBox").split())
    assert len(boxes) == 3
    for number, (x, y, wide, high) in enumerate(boxes):
        assert x + wide <= width and y + high <= height
        assert all(x + wide <= a or y + high <= b for a, b, *_ in boxes[number + 1 :])


def test_what_is_nothing_everywhere_is_drawn_all_the_same():
    assert round_levels(0, 0)[0] == 0 and round_levels(0, 0)[-1] >= 1
    flat = chart({"none": [Point(0, 0, 0, 0), Point(5, 0, 0, 0)]}, x="pictures", y="share")
    assert "polyline" in flat or "path" in flat


def test_doublings_are_equally_wide():
    line = [Point(n, 0.5, 0.4, 0.6) for n in (1, 2, 4, 128)]
    drawn = ElementTree.fromstring(chart({"a": line}, x="times", y="share", doubling=True))
    at = [float(dot.get("cx")) for dot in drawn.findall(".//{*}circle")]
    assert at[1] - at[0] == pytest.approx(at[2] - at[1], abs=0.2)
    assert at[3] - at[0] == pytest.approx(7 * (at[1] - at[0]), abs=0.5)
