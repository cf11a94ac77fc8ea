"""The word lists: what they catch, and what they leave alone."""

from __future__ import annotations

import pytest

from sosie.core.terms import PROHIBITIONS
from sosie.rights.prompts import asked


def touched(prompt: str) -> set[str]:
    return {found.prohibition for found in asked(prompt)}


@pytest.mark.parametrize(
    ("prompt", "prohibition"),
    [
        ("photo of anna, naked, on a bed", "sexual"),
        ("NUDE portrait of anna", "sexual"),
        ("anna, n​ude", "sexual"),  # a zero-width space inside
        ("ａｎｎａ ｎｕｄｅ", "sexual"),
        ("femme déshabillée", "sexual"),
        ("anna, völlig nackt", "sexual"),
        ("アンナのヌード", "sexual"),
        ("erotic_art of anna", "sexual"),
        ("anna as a child", "minors"),
        ("anna as a 9-year-old", "minors"),
        ("anna at nine years old", "minors"),
        ("anna, aged 17", "minors"),
        ("anna, 3 ans", "minors"),
        ("アンナ 7歳", "minors"),
        ("anna, toddlers' playground", "minors"),
        ("anna on an election poster", "political"),
        ("vote anna", "political"),
        ("affiche électorale de anna", "political"),
        ("anna, passport photo", "biometric"),
        ("mug-shot of anna", "biometric"),
        ("anna's driver's license", "impersonation"),
        ("anna in a deepfake", "impersonation"),
        ("signature of anna", "forgery"),
        ("a letter signed by anna", "forgery"),
        ("アンナのサイン", "forgery"),
    ],
)
def test_what_is_asked_for_in_so_many_words_is_seen(prompt: str, prohibition: str) -> None:
    assert prohibition in touched(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "photo of anna, smiling, red coat, on a beach",
        "anna, 18 years old, in Sussex",
        "anna at 45, chequered shirt",
        "a kind woman, anna, design in Essex",
        "anna reading in the infantry museum",
        "anna, 117 years old",
        "アンナ、デザイン",
        'handwriting of anna, the text reads "Good morning"',
        'handwriting of anna, the text reads "1 234 567,89"',
        "anna grilling at 12 o'clock",
        "",
    ],
)
def test_ordinary_prompts_pass(prompt: str) -> None:
    assert touched(prompt) == set()


def test_the_word_is_told_so_that_it_can_be_said_otherwise() -> None:
    (found,) = asked("anna, to the Naked eye")
    assert found == ("sexual", "naked")


def test_every_prohibition_has_words() -> None:
    prompt = "nude child votes, mugshot, deepfake, signature"
    assert touched(prompt) == set(PROHIBITIONS)
