"""Likeness against copying: the points lie where the figures say."""

from sosie.audit.copying import Tried
from sosie.audit.copying.plot import Size, plotted
from sosie.audit.intervals import share_interval

SIZE = Size(wide=600, high=300, left=60, below=40)


def tried(likeness, hits, *remedies):
    return Tried(
        adapter="a",
        step=1,
        strength=1,
        verdict="failed",
        likeness=likeness,
        reproduced=share_interval(hits, 20),
        remedies=remedies,
    )


def test_more_like_lies_to_the_right_and_more_copies_lie_higher():
    rows = [tried(0.5, 10), tried(None, 0), tried(0.4, 2, "rank"), tried(0.3, 5)]
    found = plotted(rows, SIZE)
    one, two, three = found.dots
    assert [dot.number for dot in found.dots] == [1, 3, 4], "as in the table"
    assert one.x > two.x > three.x > SIZE.left
    assert one.y < three.y < two.y < SIZE.floor, "0 lies at the foot"
    assert all(dot.high < dot.y < dot.low for dot in found.dots)
    assert [dot.best for dot in found.dots] == [True, True, False]
    assert found.path == f"{two.x},{two.y} {one.x},{one.y}"
    assert [dot.changed for dot in found.dots] == [False, True, False] and found.dots[-1].now


def test_one_point_makes_no_plot():
    assert plotted([tried(0.5, 1), tried(None, 0)], SIZE) is None
