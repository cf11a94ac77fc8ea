"""Lists: in the order that was asked for, with the filters that were asked for, whichever way they
are read."""

import random
from datetime import timedelta

import pytest

from sosie.core.errors import BadInput
from sosie.core.records import Subject, now
from sosie.core.release import Report, Search
from sosie.registry import Registry, finding
from sosie.registry.labels import Wanted
from sosie.registry.migrations import m014_labels
from sosie.registry.usage import Use
from tests.registry.shelf import release, signed

SHOWN = (["self"], ["synthetic"], ["synthetic", "synthetic"], ["self", "synthetic"])
TAGS = ("family", "portrait", "rare")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A workspace with sixty releases of all sorts, used at random; it is only read."""
    registry = Registry.open(tmp_path_factory.mktemp("shelf"))
    registry.add_subject(Subject(name="anna", kind="person", trigger="anna", created=now()))
    at_random = random.Random(5)
    made = []
    for i in range(60):
        sold = at_random.choice([(), ("picture",), ("picture", "sell")])
        price = at_random.choice([None, {"amount": "3", "currency": "EUR"}])
        made.append(
            release(
                registry,
                name=f"p{i % 20}",
                version=f"v{i}.x",
                base=at_random.choice(["flux-dev", "flux-schnell", "sdxl"]),
                family=at_random.choice(["flux", "flux", "sdxl"]),
                kind=at_random.choice(["person", "handwriting"]),
                author=at_random.choice([None, "Ben Weber", "ÉLOÏSE"]),
                tags=[t for t, often in zip(TAGS, (0.7, 0.4, 0.05), strict=True)
                      if at_random.random() < often],
                about=at_random.choice([None, "My grandfather at the sea", "Grandmother's garden"]),
                ages=at_random.choice([None, {"first": 60, "last": 72}, {"first": 5, "last": 9}]),
                years=at_random.choice([None, {"first": 1990, "last": 1999}]),
                terms={"commercial": sold, "derivatives": at_random.random() < 0.5,
                       "credit": at_random.random() < 0.5, "price": price},
                published=now() - timedelta(days=at_random.randrange(500), seconds=i),
                audit=at_random.choice([None, Report(verdict="no copy", report_sha256="1" * 64)]),
                copying=at_random.choice(
                    [None, *(Search(verdict=v, report_sha256="1" * 64)
                             for v in ("passed", "failed"))]
                ),
                permissions=[{"consent_sha256": f"{n}" * 64, "relation": relation} for n, relation
                             in enumerate(at_random.choice(SHOWN))],
            )
        )  # fmt: skip
        registry.releases.add(signed(registry, made[-1]))
    uses = [
        Use.just_now(one.sha256(), metric).model_copy(
            update={"at": now() - timedelta(days=at_random.randrange(500))}
        )
        for one in made[:50]
        for metric in ("downloads", "pictures")
        for _ in range(at_random.randrange(12))
    ]
    registry.usage.add(uses)
    days = {(one.title, metric): [] for one in made for metric in ("downloads", "pictures")}
    titles = {one.sha256(): one.title for one in made}
    for use in uses:
        days[titles[use.release], use.metric].append(use.at.date())
    yield registry, made, days
    registry.close()


def expected(shelf, wanted, keep):
    """The list by brute force."""
    _, made, used = shelf
    days = {"day": 1, "week": 7, "month": 30, "year": 365, "all": 10_000}[wanted.period]
    kept = [one for one in made if keep(one)]
    if wanted.sort in ("newest", "oldest"):
        kept = [one for one in kept if one.published > now() - timedelta(days=days)]
        return sorted(kept, key=lambda one: one.published, reverse=wanted.sort == "newest")
    first = (now() - timedelta(days=days - 1)).date()
    numbers = {one.title: sum(day >= first for day in used[one.title, wanted.sort]) for one in kept}
    ranked = sorted(kept, key=lambda one: -numbers[one.title])
    if wanted.words:
        return ranked
    never = [] if wanted.period != "all" else [one for one in kept if not numbers[one.title]]
    never.sort(key=lambda one: one.published, reverse=True)
    return [one for one in ranked if numbers[one.title]] + never


FILTERS = [
    ({}, lambda one: True),
    ({"base": "FLUX"}, lambda one: one.family == "flux"),
    ({"base": "sdxl"}, lambda one: "sdxl" in (one.base, one.family)),
    ({"tags": ("Family", "portrait")}, lambda one: {"family", "portrait"} <= set(one.tags)),
    ({"base": "flux", "tags": ("rare",)},
     lambda one: one.family == "flux" and "rare" in one.tags),
    ({"author": "éloïse", "kind": "person"},
     lambda one: one.author == "ÉLOÏSE" and one.kind == "person"),
    ({"allows": ("picture",), "free": True},
     lambda one: "picture" in one.terms.commercial and one.terms.price is None),
    ({"derivatives": True, "no_credit": True},
     lambda one: one.terms.derivatives and not one.terms.credit),
    ({"age": 65, "year": 1995},
     lambda one: one.ages and one.ages.first == 60 and one.years is not None),
    ({"name": "P3"}, lambda one: one.name == "p3"),
    ({"audited": True}, lambda one: one.audit is not None),
    ({"no_copies": True}, lambda one: one.copying and one.copying.verdict == "passed"),
    ({"by": "synthetic"}, lambda one: {p.relation for p in one.permissions} == {"synthetic"}),
    ({"tags": ("nobody's",)}, lambda one: False),
]  # fmt: skip


@pytest.mark.parametrize("few", [0, 8, 8_000])
@pytest.mark.parametrize("sort", ["downloads", "pictures", "newest", "oldest"])
def test_lists_are_what_brute_force_finds(shelf, sort, few, monkeypatch):
    monkeypatch.setattr(finding, "FEW", few)
    for filters, keep in FILTERS:
        for period in ("day", "week", "month", "year", "all"):
            wanted = Wanted(**filters, sort=sort, period=period)
            found = [hit.shelved.release.title for hit in shelf[0].finding.hits(wanted)]
            assert found == [one.title for one in expected(shelf, wanted, keep)], wanted


@pytest.mark.parametrize("sort", ["downloads", "newest"])
def test_a_search_holds_all_that_has_the_words(shelf, sort):
    def keep(one):
        return one.about is not None and one.about.startswith("My grand") and one.kind == "person"

    for words in ("grandfather", "GRANDFATH sea", "my  sea"):
        wanted = Wanted(words=words, kind="person", sort=sort)
        found = [hit.shelved.release.title for hit in shelf[0].finding.hits(wanted)]
        assert found == [one.title for one in expected(shelf, wanted, keep)]


def test_a_name_found_comes_before_a_word_in_a_text(registry):
    for name, about in (("anna", "a garden"), ("rose", None), ("ben", "A rose for Émile Zola")):
        registry.releases.add(signed(registry, release(registry, name=name, about=about)))

    def titles(words, **filters):
        wanted = Wanted(words=words, sort="relevance", **filters)
        return [hit.shelved.release.title for hit in registry.finding.hits(wanted)]

    assert titles("rose") == ["rose@v1", "ben@v1"]
    assert titles("emile") == titles("zol rose") == ["ben@v1"]
    assert titles("rose", period="day") == ["rose@v1", "ben@v1"]
    assert titles("rose zebra") == titles("ros3") == []


def test_a_shelf_from_before_is_narrowed_too(registry):
    one = release(registry, audit=Report(verdict="alike", report_sha256="1" * 64))
    registry.releases.add(signed(registry, one))
    with registry._db.writing() as db:
        db.execute("DELETE FROM release_labels WHERE label LIKE 'by:%'")
        assert not list(registry.finding.hits(Wanted(by="synthetic")))
        m014_labels(db)
    [hit] = registry.finding.hits(Wanted(by="synthetic", audited=True))
    assert (hit.shelved.release, hit.number) == (one, 0), "never downloaded"


@pytest.mark.parametrize("words", ['"', "*", "()", " ", "-", "''"])
def test_no_word_is_no_search(registry, words):
    with pytest.raises(BadInput, match="no word to search for"):
        list(registry.finding.hits(Wanted(words=words, sort="relevance")))


@pytest.mark.parametrize(
    "words", ['anna"', "anna*", "anna OR ben", "NEAR(anna)", "name:anna", "^a"]
)
def test_words_are_never_syntax(registry, words):
    registry.releases.add(signed(registry, release(registry)))
    list(registry.finding.hits(Wanted(words=words)))
