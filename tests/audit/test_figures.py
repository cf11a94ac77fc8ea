"""The figures of an audit on simulated pictures, whose truth is known."""

import numpy as np
import pytest

from sosie.audit import PROMPTS, Known, Look, Shown, measure
from sosie.audit.choice import Point, choose, point
from sosie.audit.figures import _garments, judged, leaning
from sosie.audit.intervals import Interval
from sosie.audit.kinds import KINDS
from sosie.audit.prompts import CHOOSING, seed_of
from sosie.core.errors import BadInput
from sosie.models import faces
from sosie.world.people import person
from sosie.world.photo import photo

JUDGE = "simulated"
SIZE = 32
SEEDS = 2
REAL = 0.5
"""How near to the person a picture is as which all real ones are drawn: two have a cosine of a
half."""


def unit(vector):
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class World:
    """Faces about one person, about as like each other as real pictures are to a face network."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.person = unit(self.rng.normal(size=SIZE))
        self.held_out = {i: self.face(REAL) for i in range(5)}
        self.training = {i: self.face(REAL) for i in range(10)}

    def face(self, near, about=None):
        about = self.person if about is None else about
        return unit(near * about + (1 - near) * unit(self.rng.normal(size=SIZE)))

    @property
    def known(self):
        return {JUDGE: Known(held_out=self.held_out, training=self.training)}

    def shown(self, near, *, about=None, dressed=None, missing=0.0, obeys=1.0, variety=1.0):
        prompts = [prompt for prompt in PROMPTS for _ in range(SEEDS)]
        still = unit(self.rng.normal(size=SIZE))
        looks = []
        for prompt in prompts:
            how = dressed if dressed is not None and prompt.garment else near
            here = unit(self.rng.normal(size=SIZE))
            right = self.rng.random() < obeys
            face = None if self.rng.random() < missing else tuple(map(float, self.face(how, about)))
            looks.append(
                Look(
                    faces={JUDGE: face},
                    scene=tuple(map(float, unit(variety * here + (1 - variety) * still))),
                    reads=dict(prompt.asks) if right else dict.fromkeys(prompt.asks, "other"),
                )
            )
        return Shown(prompts=prompts, looks=looks)


def figures(world, made, base):
    found = measure(made, base, world.known)
    return {figure.name: figure for figure in found if figure.judge or figure.name != "learned"}


def seen_twice(world, shown):
    """The same pictures and faces as seen by two networks."""
    known = {JUDGE: world.known[JUDGE], "again": world.known[JUDGE]}
    looks = [
        look.model_copy(update={"faces": dict.fromkeys(known, look.faces[JUDGE])})
        for look in shown.looks
    ]
    return Shown(prompts=shown.prompts, looks=looks), known


def test_a_perfect_lora_passes_and_the_base_alone_fails() -> None:
    world = World()
    good = figures(world, world.shown(REAL), world.shown(0.0))
    assert {name for name, figure in good.items() if figure.state == "failed"} == set()
    assert good["likeness"].interval.value == pytest.approx(1, abs=0.1)
    assert good["learned"].interval.value == pytest.approx(1, abs=0.15)
    nothing = figures(world, world.shown(0.0), world.shown(0.0))
    assert nothing["learned"].state == "failed"
    assert nothing["learned"].interval.low < 0 < nothing["learned"].interval.high


def test_the_base_against_itself_has_no_lift_at_all() -> None:
    world = World()
    base = world.shown(0.3)
    same = figures(world, base, base)
    assert same["lift"].interval.value == 0
    assert same["learned"].interval.high == 0
    assert same["diversity"].interval.value == pytest.approx(1)


def test_a_likeness_that_the_garment_takes_away_is_seen() -> None:
    world = World()
    base = world.shown(0.0)
    kept = figures(world, world.shown(0.8), base)["garments"]
    lost = figures(world, world.shown(0.8, dressed=0.2), base)["garments"]
    assert kept.state == "passed" and kept.interval.value == pytest.approx(1, abs=0.1)
    assert lost.state == "failed" and lost.interval.high < 0.8


def test_a_garment_that_takes_the_whole_likeness_leaves_none_of_it() -> None:
    """By a judge to whom all strangers are nearly alike, as they are to dlib's network."""
    world = World()
    anybody = world.person
    world.person = unit(anybody + 0.7 * unit(world.rng.normal(size=SIZE)))
    world.held_out = {i: world.face(0.8) for i in range(5)}
    base, made, bare = (world.shown(0.8, about=who) for who in (anybody, world.person, anybody))
    rows = zip(made.prompts, made.looks, bare.looks, strict=True)
    lost = [other if prompt.garment else look for prompt, look, other in rows]
    found = figures(world, Shown(prompts=made.prompts, looks=lost), base)["garments"]
    raw = [look.face(JUDGE) @ world.person for look in (*bare.looks, *made.looks)]
    assert sum(raw[:32]) > 0.7 * sum(raw[32:]), "strangers are nearly alike"
    assert found.state == "failed" and found.interval.low < 0 < found.interval.high < 0.5
    assert figures(world, bare, base)["garments"].state == "not measured"


def test_what_a_garment_leaves_is_covered_as_often_as_it_says() -> None:
    """Of likenesses whose lift is kept to three fifths, in scenes that differ."""
    hits, rounds = 0, 200
    prompts = [prompt for prompt in PROMPTS for _ in range(SEEDS)]
    made = Shown(prompts=prompts, looks=())
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        scenes = dict(enumerate(rng.normal(0.4, 0.05, 8), 1))
        lifts = [scenes[p.scene] * (0.6 if p.garment else 1) + rng.normal(0, 0.05) for p in prompts]
        interval = _garments(made, lifts, JUDGE).interval
        hits += interval.low <= 0.6 <= interval.high
    assert 0.91 <= hits / rounds <= 0.99


def test_strangers_gain_nothing_where_the_base_draws_no_face() -> None:
    gained = []
    for seed in range(40):
        world = World(seed)
        made, base = world.shown(0.2), world.shown(0.2, missing=0.5)
        gained.append(figures(world, made, base)["learned"].interval.value)
    assert abs(np.mean(gained)) < 0.05
    blind = figures(world, made, world.shown(0.0, missing=0.95))
    assert {blind[name].state for name in ("learned", "lift", "garments")} == {"not measured"}
    assert "by the base alone show a face" in blind["learned"].why


def test_a_base_that_knows_the_person_leaves_no_way_to_go() -> None:
    world = World()
    learned = figures(world, world.shown(REAL), world.shown(0.9))["learned"]
    assert learned.state == "not measured" and "already as like" in learned.why


def test_a_lora_that_repeats_one_training_picture_leans() -> None:
    world = World()
    base = world.shown(0.0)
    honest = figures(world, world.shown(REAL), base)
    assert honest["repeats"].state == "passed"
    copied = figures(world, world.shown(0.95, about=world.training[3]), base)
    assert copied["repeats"].state == "failed"
    assert copied["copycat"].interval.low > 0.8
    assert copied["chance"].interval.value > 0.2, "half of all splits have that picture there, too"


def test_lean_is_a_whole_for_pictures_given_back_and_none_for_new_ones() -> None:
    """Whichever pictures were withheld."""
    back, new = [], []
    for seed in range(60):
        world = World(seed)
        (known,) = world.known.values()
        for found, drawn in (
            (back, world.training.values()),
            (new, [world.face(REAL) for _ in range(20)]),
        ):
            found.append(np.mean(known.leaning([known.lean(face) for face in drawn])))
    assert np.mean(back) == pytest.approx(1) and np.std(back) < 1e-5
    assert abs(np.mean(new)) < 0.1


def test_training_faces_given_back_fail_by_a_real_network_and_new_ones_pass() -> None:
    """SFace on few drawn photographs of one person."""
    who = person(9)
    real = [
        faces.identity(photo(who, seed=9000 + 7 * n, age=35, hat="none").picture) for n in range(17)
    ]
    held_out, training, new = real[:5], real[5:11], real[11:]
    known = Known(held_out=dict(enumerate(held_out)), training=dict(enumerate(training)))
    prompts = [prompt for prompt in PROMPTS for _ in range(SEEDS)]

    def lean(drawn):
        looks = [
            Look(faces={JUDGE: tuple(map(float, face))}, scene=None, reads=None)
            for face in (drawn[i % len(drawn)] for i in range(len(prompts)))
        ]
        found = leaning(Shown(prompts=prompts, looks=looks), JUDGE, known)
        return next(figure for figure in found if figure.name == "repeats")

    back, fresh = lean(training), lean(new)
    assert back.state == "failed" and back.interval.value == pytest.approx(1, abs=0.2)
    assert fresh.state == "passed" and fresh.interval.value < 0.4


def test_training_pictures_that_are_all_one_have_no_scale_to_lean_on() -> None:
    world = World()
    world.training = dict.fromkeys(range(10), world.face(REAL))
    found = figures(world, world.shown(REAL), world.shown(0.0))["repeats"]
    assert found.state == "not measured" and "hardly lean" in found.why


def test_the_chance_of_leaning_is_a_fair_test() -> None:
    """Without copying, it falls below a tenth in about a tenth of all worlds."""
    small = []
    for seed in range(300):
        world = World(seed)
        made = np.stack([world.face(REAL) for _ in range(16)])
        small.append(world.known[JUDGE].interchanged(made, 99) <= 0.1)
    assert 0.06 <= np.mean(small) <= 0.14


def test_leaning_to_all_training_pictures_is_no_accident() -> None:
    world = World()
    drawn = [unit(vector + 0.3 * world.face(REAL)) for vector in world.training.values()]
    assert world.known[JUDGE].interchanged(np.stack(drawn), 999) < 0.01


def test_pictures_without_a_face_pull_every_figure_down() -> None:
    world = World()
    base = world.shown(0.0)
    found = figures(world, world.shown(REAL, missing=0.5), base)
    assert found["faces"].state == "failed"
    assert found["likeness"].interval.value < 0.7


def test_disobedience_and_sameness_are_seen() -> None:
    world = World()
    base = world.shown(0.0)
    found = figures(world, world.shown(0.8, obeys=0.1, variety=0.2), base)
    assert found["obedience"].interval.high < 0.5 and found["obedience"].state == "failed"
    assert found["diversity"].interval.high < 0.6


def test_one_judge_alone_lets_nobody_pass() -> None:
    world = World()
    (made, known), (base, _) = (seen_twice(world, world.shown(near)) for near in (REAL, 0.0))
    both = measure(made, base, known)
    assert {figure.state for figure in both} == {"passed", "told"}
    alone = measure(made, base, {JUDGE: known[JUDGE]})
    (missing,) = [figure for figure in alone if figure.state == "not measured"]
    assert missing.name == "learned" and f"{JUDGE} alone judges" in missing.why


def test_a_lean_that_nobody_could_see_is_not_measured() -> None:
    world = World()
    made, base = world.shown(REAL), world.shown(0.0)
    faceless = world.shown(REAL, missing=1.0)
    assert figures(world, faceless, base)["repeats"].why == "no picture shows a face"
    world.training = {}
    assert figures(world, made, base)["repeats"].why.startswith("no training picture on file")


def test_what_no_judge_sees_is_not_made_up() -> None:
    world = World()
    made = world.shown(0.8)
    blind = Shown(
        prompts=made.prompts,
        looks=[look.model_copy(update={"scene": None, "reads": None}) for look in made.looks],
    )
    assert {"diversity", "obedience"}.isdisjoint(figures(world, blind, blind))


def test_spread_is_the_deviation_over_seeds_of_one_prompt() -> None:
    world = World()
    wide, narrow = (
        figures(world, world.shown(near), world.shown(0.0))["spread"].interval.value
        for near in (0.4, 0.95)
    )
    assert narrow < wide


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.most is not None])
def test_what_must_be_small_passes_by_its_upper_end(name) -> None:
    most = KINDS[name].most
    ends = ((most - 0.2, most), (most - 0.2, most + 0.01), (most + 0.01, most + 0.2))
    states = [judged(name, Interval(value=a, low=a, high=b, n=9)).state for a, b in ends]
    assert states == ["passed", "failed", "failed"]


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.least is not None])
def test_a_gate_looks_at_the_ends_of_the_interval(name) -> None:
    least = KINDS[name].least

    def ended(low: float, high: float) -> str:
        return judged(name, Interval(value=(low + high) / 2, low=low, high=high, n=9)).state

    assert ended(least, least + 0.3) == "passed"
    assert ended(least - 0.01, least + 0.3) == ended(least - 0.3, least) == "unsure"
    assert ended(least - 0.3, least - 0.01) == "failed"
    assert judged(name, None).state == "not measured"
    assert judged(name, Interval(value=1, low=None, high=None, n=1)).state == "not measured"


def test_too_few_held_out_faces_have_no_unit() -> None:
    world = World()
    few = Known(held_out={0: world.person, 1: world.person}, training=world.training)
    with pytest.raises(BadInput, match="at least 3"):
        _ = few.unit


def points(world, rows):
    """(step, strength, near, about) to points of a curve."""
    return [
        point(step, strength, world.shown(near, about=about), world.known)
        for step, strength, near, about in rows
    ]


def test_the_most_like_is_chosen_and_said_why() -> None:
    world = World()
    rows = [(100, 1.0, 0.5, None), (200, 1.0, 0.9, None), (300, 1.0, 0.6, None)]
    choice = choose(points(world, rows))
    assert (choice.step, choice.strength, choice.worse_after) == (200, 1.0, 200)
    assert "most like of 3" in choice.why and "at step 300" in choice.why


def curve(rng, means):
    """Points of equal strength with these true scores, of eight scenes that they share."""
    scenes = rng.normal(0, 0.1, 8)
    found = []
    for number, mean in enumerate(means, 1):
        scores = tuple(mean + scenes + rng.normal(0, 0.08, 8))
        interval = Interval(value=float(np.mean(scores)), low=None, high=None, n=8)
        likeness = {JUDGE: interval}
        found.append(
            Point(step=100 * number, strength=1.0, likeness=likeness, lean=0.0, scenes=scores)
        )
    return found


@pytest.mark.parametrize("many", [2, 4])
def test_equal_checkpoints_are_seldom_told_apart(many) -> None:
    rng = np.random.default_rng(many)
    choices = [choose(curve(rng, [0.6] * many)) for _ in range(300)]
    assert np.mean([choice.worse_after is not None for choice in choices]) <= 0.07
    assert np.mean([choice.rising for choice in choices]) <= 0.05


def test_checkpoints_that_differ_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    falling = choose(curve(rng, [0.4, 0.8, 0.5]))
    assert (falling.step, falling.worse_after, falling.rising) == (200, 200, False)
    rising = choose(curve(rng, [0.2, 0.4, 0.7]))
    assert (rising.step, rising.worse_after, rising.rising) == (300, None, True)
    assert choose(curve(rng, [0.4])).rising is None
    first, second = curve(rng, [0.6, 0.6])
    level = second.model_copy(update={"likeness": first.likeness, "scenes": first.scenes})
    assert "Later checkpoints are no better: at step 200" in choose([first, level]).why


def test_of_equally_like_ones_the_one_that_copies_less_is_chosen() -> None:
    world = World()
    copied, honest = points(world, [(100, 1.0, 0.95, world.training[0]), (200, 1.0, REAL, None)])
    assert copied.lean > honest.lean + 0.5
    level = copied.model_copy(update={"likeness": honest.likeness})
    choice = choose([level, honest])
    assert choice.step == 200
    earlier = honest.model_copy(update={"step": 50, "strength": 0.7})
    assert choose([level, honest, earlier]).step == 50


def test_of_level_ones_the_reason_says_what_decided() -> None:
    world = World()
    (first,) = points(world, [(100, 1.0, REAL, None)])
    judge, interval = next(iter(first.likeness.items()))
    higher = {judge: interval.model_copy(update={"value": interval.value + 0.01})}
    later = first.model_copy(update={"step": 200, "likeness": higher})
    assert "is earlier or weaker" in choose([first, later]).why
    leaning = later.model_copy(update={"lean": first.leaning + 0.3})
    assert "leans less" in choose([first, leaning]).why


def test_seeds_of_a_scene_are_shared_and_scenes_do_not_overlap() -> None:
    seeds = {(p.scene, seed_of(p, 5, n)) for p in PROMPTS for n in range(400)}
    assert len({seed for _, seed in seeds}) == 8 * 400
    assert {prompt.scene for prompt in CHOOSING} == set(range(1, 9))
    assert {prompt.garment for prompt in CHOOSING} == {True, False}
    assert all("{trigger}" in prompt.text and "{}" not in prompt.text for prompt in PROMPTS)
