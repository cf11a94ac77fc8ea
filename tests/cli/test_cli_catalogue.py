"""The catalogue by commands: what is published, found and refused, and what a user reads."""

import re

import pytest

from tests.cli.door import sosie

PERMIT = ("consent", "anna", "--self", "--signed-by", "Anna Weber", "--who", "Anna Weber")


def test_from_a_lora_to_a_place_on_the_shelf(home, tmp_path):
    sosie(home, "publish", "anna", "v1").refused(4, 'Not permitted to publish "anna"')
    assert sosie(home, *PERMIT, "--acts", "export,publish").code == 0
    published = sosie(
        home, "publish", "anna", "v1", "--tag", "family", "--author", "Ben", "--ages", "60-72",
        "--derivatives", "--no-credit", "--alias", "1990s",
    )  # fmt: skip
    assert published.code == 0, published
    assert "Audit of likeness: absent, and the card says so." in published.err
    for words in ("60 to 72 years", "not asked for", "absent: nobody has looked"):
        assert words in published.out
    sosie(home, "publish", "anna", "v2", "--price", "12.50 eur").refused(4, "earn money")
    sosie(home, "publish", "anna", "v1").refused(2, "published before")
    fresh = sosie(home, "top").out
    assert re.search(r"^1 +anna@v1 +0 +tiny", fresh, re.MULTILINE), "what nobody used comes last"
    assert sosie(home, "export", "anna@1990s", "--out", tmp_path).code == 0
    row = re.compile(r"^1 +anna@v1 +1 +tiny +family +Ben +\d{4}-", re.MULTILINE)
    for filters in ([], ["--base", "flux", "--tag", "family", "--period", "month", "--n", "10"],
                    ["--age", "65", "--allows", "derivatives,no-credit,free"]):  # fmt: skip
        assert row.search(sosie(home, "top", *filters).out), filters
    assert "Nothing on the shelf" in sosie(home, "top", "--allows", "picture").out
    assert re.search(r"^1 +anna@v1 +tiny", sosie(home, "search", "ann", "fam").out, re.MULTILINE)
    assert "Nothing on the shelf" in sosie(home, "search", "grandma").out
    assert sosie(home, "publish", "anna", "v2", "--alias", "best").code == 0
    sosie(home, "alias", "anna@v1", "best").refused(2, "stands for v2", "--move")
    assert "anna@best is anna@v1 now." in sosie(home, "alias", "anna@v1", "best", "--move").out
    withdrawn = sosie(home, "consent", "anna", "--withdraw")
    assert "refused from now on: the release anna@v2" in withdrawn.out
    assert "Nothing on the shelf" in sosie(home, "top").out
    sosie(home, "card", "anna@v1").refused(4, "withdrew every permission")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--ages", "72-60", "is no span"),
        ("--years", "nineties", "is no span"),
        ("--price", "free", "is no price"),
        ("--price", "-3 EUR", "is no price"),
        ("--price", "0.00 EUR", "is no price"),
        ("--commercial", "resell", "Unknown use: resell"),
        ("--tag", "x" * 41, "tags"),
        ("--author", "two\nlines", "more than one line"),
        ("--about", "right\u202eleft", "cannot be shown"),
        ("--strength", "nan", "strength"),
        ("--alias", "latest", "always the newest"),
        ("--lora", "anna-2", 'no LoRA named "anna-2"'),
        ("--picture", "nowhere.png", "no file nowhere.png"),
    ],
)
def test_what_cannot_stand_on_a_card_is_refused(home, option, value, said):
    sosie(home, *PERMIT, "--acts", "publish")
    answer = sosie(home, "publish", "anna", "v1", option, value)
    answer.refused(3 if "no " in said and option != "--price" and "span" not in said else 2, said)
    sosie(home, "card", "anna").refused(3, 'no release named "anna"')


@pytest.mark.parametrize("name", ["../anna", "anna/../x", "/etc/passwd", "anna.v1", ""])
def test_a_name_is_no_path(home, name):
    sosie(home, *PERMIT, "--acts", "publish")
    answer = sosie(home, "publish", name, "v1", "--lora", "anna-1")
    assert answer.code == 2 and "Traceback" not in answer.err
