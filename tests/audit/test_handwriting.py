"""Is it the hand, and is it written right? On lines by the drawn world, whose truth is known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.audit import Known, Look, Shown, handwriting
from sosie.audit.handwriting import TEXT, Misread, Writer, beside, choosing, misread, prompts
from sosie.audit.handwriting.notes import TEXTS
from sosie.audit.handwriting.panel import written
from sosie.audit.handwriting.reading import above, edits, error
from sosie.core.errors import BadInput
from sosie.core.quoted import quoted
from sosie.models import hinges
from sosie.world.hands import writer
from sosie.world.writing import line

WHO, OTHER = 19, 29
TAUGHT = ('a note by ada that reads "Bread and tea"', 'ada, handwritten note, "At ten, then", ink')


def hand(seed, text, number):
    return line(writer(seed), text, seed=number).picture


def test_the_texts_are_new_and_asked_for_in_the_words_of_the_set() -> None:
    withheld = ('a note by ada that reads "Bread, and tea"', 'ada, note, "Bread and tea"')
    asked = prompts(TAUGHT, withheld, "ada")
    texts = [prompt.asks[TEXT] for prompt in asked]
    assert texts[0] == "Bread, and tea", "a withheld note comes first, and makes a pair"
    assert "Bread and tea" not in texts, "that one was taught"
    assert [p.text.replace("{trigger}", "ada") for p in asked[1:3]] == [
        f'a note by ada that reads "{texts[1]}"',
        f'ada, handwritten note, "{texts[2]}", ink',
    ]
    assert all(quoted(prompt.text) == prompt.asks[TEXT] for prompt in asked)
    assert max(map(len, texts[1:])) <= len("Bread and tea") == 13
    assert asked[0] not in choosing(asked)
    assert len({prompt.key for prompt in asked}) == len(asked)


def test_a_french_set_is_asked_in_french_and_a_silent_one_not_at_all() -> None:
    (first, *_) = prompts(["note de lea : « Une très longue journée à la mer »"], [], "lea")
    assert first.asks[TEXT] == TEXTS["fr"][0]
    with pytest.raises(BadInput, match="No caption says what is written"):
        prompts(["a note by ada"], ['ada "withheld"'], "ada")


def test_the_new_texts_hold_every_letter() -> None:
    assert set("abcdefghijklmnopqrstuvwxyz") <= set("".join(TEXTS["en"]).lower())
    assert all(len(text) <= 24 for text in (*TEXTS["en"], *TEXTS["fr"]))


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_edits_are_the_distance_of_levenshtein(one, other) -> None:
    def slowly(a, b):
        if not a or not b:
            return len(a) + len(b)
        rest = slowly(a[1:], b[1:]) + (a[0] != b[0])
        return min(rest, slowly(a[1:], b) + 1, slowly(a, b[1:]) + 1)

    assert edits(one, other) == slowly(one, other) == edits(other, one)


def test_spaces_capitals_and_typographic_marks_are_no_errors() -> None:
    assert misread("Its l‘heure", "its l'heure") == Misread(wrong=0, of=10)
    assert misread("", "two words").wrong == 8
    assert misread("something else that goes on and on", "word") == Misread(wrong=4, of=4)
    with pytest.raises(ValueError, match="nothing to read"):
        misread("anything", "  ")


def test_a_drawn_line_is_read_and_one_of_noise_holds_nothing() -> None:
    found = written(hand(WHO, "for grandpa", 3))
    assert misread(found.text, "for grandpa").wrong <= 2
    (strip,) = found.lines
    assert strip.shape == (64, 512, 3)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert written(noise).lines == ()


def test_the_lines_of_a_page_are_cut_and_read_from_above() -> None:
    texts = ["Dear Anna", "how are you", "with love"]
    page = np.concatenate([hand(WHO, text, 5)[:, :300] for text in texts])
    found = written(page)
    assert len(found.lines) == 3
    assert misread(found.text, " ".join(texts)).wrong <= 4


def test_hinges_know_a_hand_whatever_it_writes() -> None:
    judge = hinges.hand_judge()
    first, second = (judge(hand(WHO, text, n)) for n, text in enumerate(["See you", "Monday, 8h"]))
    other = judge(hand(OTHER, "See you", 0))
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert first @ second > first @ other
    assert judge(np.full((64, 512, 3), 200, np.uint8)) is None


def lines_of(seed, texts, *, first=0):
    return [hand(seed, text, first + n) for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def scene():
    """A writer's notes, the prompts that a LoRA of them is asked, and the judges."""
    taught = ["Bread and tea", "At ten, then", "Call the bank", "No milk left", "Rain again"]
    withheld = ["Up at seven", "Keys are here", "Love from me", "Back soon"]
    captions = [[f'a note by ada that reads "{t}"' for t in side] for side in (taught, withheld)]
    asked = prompts(*captions, "ada")
    panel = handwriting.panel(synthetic=True)
    looks = [[panel.look(p) for p in lines_of(WHO, side, first=40)] for side in (withheld, taught)]
    known = {
        judge.name: Known(
            *({i: look.face(judge.name) for i, look in enumerate(side)} for side in looks)
        )
        for judge in panel.faces
    }
    texts = [prompt.asks[TEXT] for prompt in asked]
    own = {
        n + 1: misread(look.reads[TEXT], text)
        for n, (look, text) in enumerate(zip(looks[0], withheld, strict=True))
    }
    return asked, panel, Writer(known, beside(panel.faces, known, texts), own)


@pytest.fixture(scope="module")
def drawn(scene):
    """What a LoRA would draw that writes as the writer of a seed does."""
    asked, panel, _ = scene
    prompts = [prompt for prompt in asked for _ in range(2)]

    @cache
    def draw(seed, spoilt=False):
        texts = [prompt.asks[TEXT] for prompt in prompts]
        texts = [text[::-1].strip(" .?!,") if spoilt else text for text in texts]
        return Shown(prompts, [panel.look(picture) for picture in lines_of(seed, texts, first=70)])

    return draw


def figures(scene, made, base):
    found = handwriting.measure(made, base, scene[2])
    return {(f.name, f.judge): f for f in found}


def test_the_writer_passes_another_hand_fails_and_both_can_be_read(scene, drawn) -> None:
    other = drawn(OTHER)
    right, wrong = (figures(scene, drawn(who), other) for who in (WHO, OTHER))
    for judge in scene[2].known:
        assert right["hand", judge].state == "passed"
        assert wrong["hand", judge].state == "failed"
        assert right["other_hands", judge].interval.low > 0.75
        assert wrong["lift", judge].interval.value == 0
    for found in (right, wrong):
        assert found["written", None].state == "passed"
        assert found["error_of_base", None].interval.value == wrong["error", None].interval.value
    assert right["error_above_own", None].state == "passed"
    assert right["right", None].interval.value > 0.5


def test_the_network_that_taught_a_lora_its_hand_does_not_judge_it() -> None:
    usual = handwriting.panel(synthetic=True)
    taught = handwriting.panel(synthetic=True, taught_by_second=True)
    assert len(usual.hashes()) == 2 and not usual.missing
    assert list(taught.hashes()) == list(usual.hashes())[:1]
    assert "hand loss" in taught.missing[0].why


def test_the_right_hand_that_writes_something_else_fails(scene, drawn) -> None:
    spoilt = figures(scene, drawn(WHO, True), drawn(OTHER))
    assert spoilt["error_above_own", None].state == "failed"
    assert spoilt["right", None].interval.value < 0.2
    assert spoilt["hand", "contour hinges"].state == "passed"


def test_coming_from_no_writing_to_anybodys_hand_is_no_way(scene, drawn) -> None:
    """A base that cannot write is like nobody; the floor is what other hands are like."""
    other = drawn(OTHER)
    blank = Look(faces=dict.fromkeys(scene[2].known), scene=None, reads={TEXT: ""})
    nothing = replace(other, looks=[blank] * len(other.looks))
    found = figures(scene, other, nothing)
    judge = "contour hinges"
    assert found["lift", judge].interval.low > 0.5
    assert found["hand", judge].interval.value < 0.5
    assert found["hand", judge].state == "failed"
    assert figures(scene, nothing, nothing)["written", None].state == "failed"


def test_a_judge_that_takes_other_hands_for_this_one_is_not_heard(scene, drawn) -> None:
    _, _, own = scene
    blind = {
        judge: replace(strangers, told_apart=strangers.told_apart.model_copy(update={"low": 0.5}))
        for judge, strangers in own.strangers.items()
    }
    made = drawn(WHO)
    found = handwriting.measure(made, made, replace(own, strangers=blind))
    assert {f.state for f in found if f.name == "hand"} == {"not measured"}


def test_a_checkpoint_is_chosen_by_hand_and_reading_together(scene, drawn) -> None:
    good, bad = (
        handwriting.point(step, 1.0, drawn(WHO, spoilt), scene[2])
        for step, spoilt in ((1, False), (2, True))
    )
    assert good.error < 0.2 < 0.5 < bad.error
    assert good.score > bad.score and good.told.endswith("misread")


def test_the_error_above_the_writers_own_is_covered_by_its_interval() -> None:
    """On simulated audits whose truth is known: hard texts are hard for both hands."""
    rng = np.random.default_rng(7)
    hits, widths = 0, {True: [], False: []}
    for _ in range(200):
        hard = rng.beta(1, 6, 20)
        # Five texts that both wrote, ten that only the LoRA wrote, five of the writer's alone.
        read = [Misread(int(rng.binomial(20, min(1, h + 0.1))), 20) for h in hard[:15]]
        scenes = list(range(15))
        own = {n: Misread(int(rng.binomial(20, hard[n])), 20) for n in (*range(5), *range(15, 20))}
        found = above(read, scenes, own)
        hits += found.low <= 0.1 <= found.high
        for paired in (True, False):
            shift = {n if paired else 100 + n: line for n, line in own.items() if n < 5}
            some = above(read[:5], scenes[:5], shift)
            widths[paired].append(some.high - some.low)
    assert 0.9 <= hits / 200 <= 0.99
    assert np.mean(widths[True]) < 0.8 * np.mean(widths[False])
    assert above(read, scenes, {}) is None


def test_a_few_lines_without_an_error_do_not_prove_that_there_is_none() -> None:
    right = [Misread(0, 12)] * 8
    found = error(right, list(range(8)))
    assert found.value == found.low == 0 < 0.02 < found.high < 0.05
    beside = above(right, list(range(8)), dict(enumerate(right)))
    assert beside.low < -0.02 and beside.high == found.high
