"""Publishing: what a release holds, what is refused, and what ends it."""

import json

import pytest

from sosie import rights
from sosie.core.errors import BadInput, NotFound, NotPermitted
from sosie.core.files import sha256_file
from sosie.core.records import now
from sosie.registry.labels import Wanted
from sosie.registry.usage import Use
from sosie.studio import Studio, card, verifying
from sosie.studio.card import Card
from sosie.studio.releasing import Said
from tests.registry.shelf import shelve
from tests.studio.household import QUICK, household, photo

EVERYTHING = ("train", "generate", "export", "merge", "publish")


@pytest.fixture
def studio(trained):
    studio = Studio(trained.home)
    studio.consent("anna", relation="self", who="Anna Weber", acts=EVERYTHING)
    return studio


@pytest.fixture
def published(studio):
    """A first version with all that its author could say."""
    studio.consent(
        "anna", relation="self", who="Anna Weber", acts=EVERYTHING, terms={"commercial": True}
    )
    said = Said(
        about="Anna at sixty.",
        author="Ben",
        tags=("Family", "portrait"),
        strength=0.8,
        ages={"first": 60, "last": 72},
        commercial=("picture",),
        ethics="Be kind.",
        price={"amount": "12.50", "currency": "EUR"},
    )
    return studio.publish("anna", "v1", said, aliases=["1990s"])


def audited(adapter):
    """An audit of a LoRA with a single figure."""
    from sosie.audit import Audit, Choice, Figure, Held, Interval

    held = Held(withheld=1, gone=0, leaked=(), with_face={}, cosines={}, own_median={})
    interval = Interval(value=0.7, low=0.6, high=0.8, n=8)
    return Audit(
        sosie="0",
        adapter=adapter.name,
        subject=adapter.subject,
        base=adapter.base,
        base_sha256="0" * 64,
        tensors_sha256=adapter.tensors_sha256,
        taken=now(),
        seed=1,
        prompts=("{trigger}",),
        chosen_on=1,
        measured_on=2,
        judges={"sface": "0" * 64},
        held=held,
        curve=(),
        choice=Choice(step=4, strength=1.0, why="It is the only one.", worse_after=None),
        figures=(Figure(name="likeness", judge="sface", interval=interval, state="told"),),
        not_measured=(),
        seconds=1.0,
    )


def file(studio, found, kind="likeness", verdict="passed"):
    """Put an audit on file, signed, as of a kind and with a verdict."""
    signature = rights.sign(studio.registry.key(), found.sha256(), role="trainer", at=found.taken)
    studio.registry.audits.add(
        "anna", found.adapter, found.tensors_sha256, found.canonical(), signature,
        kind=kind, verdict=verdict,
    )  # fmt: skip


def test_a_release_says_all_of_its_lora(studio, trained, published):
    release = published.release
    assert release.lora.file_sha256 == trained.adapter.file_sha256
    assert release.tensors_sha256 == trained.adapter.tensors_sha256
    assert (release.base, release.family, release.base_licence) == ("tiny", "flux", "Apache-2.0")
    assert (release.steps, release.pictures, release.epochs) == (4, 5, 0.8)
    assert release.trigger_words == ("anna",) and release.tags == ("family", "portrait")
    consent = studio.permitted("publish", "anna")
    assert [p.consent_sha256 for p in release.permissions] == [consent.sha256()]
    assert release.doctor and release.doctor.verdict == "blocked"
    assert published.signature.about == release.sha256() and published.signature.holds()
    assert studio.card("anna@1990s") == (published, ())


def test_a_release_is_drawn_with_by_its_alias(studio, trained, published, tmp_path):
    told = []
    drawn = studio.generate(
        "<lora:anna@1990s:0.5> anna", base=str(trained.base), out=tmp_path, n=1, watermark=False,
        say=told.append,
    )  # fmt: skip
    assert told == ["<lora:anna@1990s> is anna@v1."]
    (use,) = verifying.verify(studio.registry, drawn.files[0]).said["made"]["loras"]
    assert use["tensors_sha256"] == published.release.tensors_sha256
    again = studio.publish("anna", "v2", pictures=drawn.files)
    assert again.release.cover_sha256 == sha256_file(drawn.files[0])
    assert again.release.examples[0].prompt == "<lora:anna@1990s:0.5> anna"
    assert again.release.examples[0].weight == 0.5


def test_what_is_absent_is_said_to_be(studio, trained):
    told = []
    release = studio.publish("anna", "v1", say=told.append).release
    assert release.audit is None and release.examples == ()
    assert "strength_by" not in json.loads(release.canonical()), "as those are that never kept it"
    assert "Audit of likeness: absent, and the card says so." in told
    assert any(line.startswith("No picture") for line in told)
    rows = dict(card.examined(release))
    assert rows["likeness (audit)"] == card.ABSENT
    assert rows["the pictures (doctor)"].startswith("blocked")
    facts = dict(card.facts(release))
    assert facts["author"] == facts["recommended strength"] == card.NOT_STATED
    found = audited(trained.adapter)
    choice = found.choice.model_copy(update={"step": 2, "strength": 0.7})
    other = found.model_copy(update={"tensors_sha256": "9" * 64, "choice": choice})
    file(studio, other)
    assert studio.publish("anna", "v1b", say=told.append).release.audit is None
    assert "Audited was anna-1@2: publish that with --lora anna-1@2." in told
    found = found.model_copy(update={"choice": found.choice.model_copy(update={"strength": 0.7})})
    file(studio, found)
    with studio.registry._db.writing() as db:
        db.execute("DELETE FROM readings WHERE key GLOB 'checkup:*'")
    release = studio.publish("anna", "v2", say=told.append).release
    assert release.audit and release.audit.report_sha256 == found.sha256()
    assert release.audit.figures == {
        "Likeness (sface)": "70% 60% to 80%",
        "at strength": "0.7",
    }
    assert (release.strength, release.strength_by) == (0.7, "audit")
    assert dict(card.facts(release))["recommended strength"].startswith("0.7, as the audit")
    assert "Recommended strength: 0.7, as the audit chose." in told
    found = found.model_copy(update={"choice": found.choice.model_copy(update={"strength": 0.9})})
    file(studio, found)
    told.clear()
    third = studio.publish("anna", "v3", say=told.append).release
    assert (third.strength, third.strength_by) == (0.9, "audit"), "that of v2 was no author's word"
    assert told[0].startswith("The strength of anna@v2 was its audit's")
    stated = studio.publish("anna", "v4", Said(strength=0.9)).release
    assert (stated.strength, stated.strength_by) == (0.9, "author")
    assert release.doctor is None and "Doctor's results: absent, and the card says so." in told


def test_what_is_not_said_is_as_before(studio, published):
    told = []
    second = studio.publish("anna", "v2", Said(author="Cleo", price=None), say=told.append).release
    assert second.author == "Cleo" and second.terms.price is None
    assert second.terms.ethics == "Be kind." and second.strength == 0.8
    assert second.strength_by == "author"
    assert "As in anna@v1: about, ages, commercial, ethics, strength, tags, trigger words." in told


def test_only_pictures_drawn_with_it_are_shown(studio, trained, published, tmp_path):
    photograph = photo(tmp_path, "her.png", 9)
    plain = studio.generate("a tree", base=str(trained.base), out=tmp_path / "o", n=1).files[0]
    with pytest.raises(BadInput, match=r"her\.png cannot be shown with it: not signed"):
        studio.publish("anna", "v2", pictures=[photograph])
    with pytest.raises(BadInput, match="drawn without this LoRA"):
        studio.publish("anna", "v2", cover=plain)
    assert len(studio.registry.releases.versions("anna")) == 1


def test_a_checkpoint_is_published_with_its_own_previews(tmp_path, base, pictures):
    studio = household(tmp_path / "home", pictures)
    studio.consent("anna", relation="self", acts=EVERYTHING)
    overrides = {**QUICK, "preview_every": 2, "probes": ["{trigger} at sea"]}
    studio.train("anna", base=str(base), overrides=overrides, device="cpu")
    early = studio.publish("anna", "early", lora="anna-1@2").release
    last = studio.publish("anna", "last").release
    assert (early.steps, last.steps) == (2, 4)
    assert early.tensors_sha256 != last.tensors_sha256
    assert early.examples[0].prompt == last.examples[0].prompt == "anna at sea"
    assert early.cover_sha256 != last.cover_sha256
    _, (_, _, shown) = studio.card("anna@early", tmp_path / "card")
    assert verifying.verify(studio.registry, shown).verdict != "changed"


def test_a_name_that_only_releases_bear_is_drawn_with(studio, trained, tmp_path):
    first = studio.publish("mother", "v1", lora="anna-1")
    told = []
    studio.generate(
        "<lora:mother:1> anna", base=str(trained.base), out=tmp_path, n=1, say=told.append
    )
    assert told[0] == "<lora:mother> is mother@v1."
    assert studio.registry.usage.number(first.release.sha256(), "pictures") == 1


def test_an_author_allows_no_more_than_those_shown(studio):
    for said in (Said(commercial=("picture",)), Said(price={"amount": "1", "currency": "EUR"})):
        with pytest.raises(NotPermitted, match="does not permit to earn money with it"):
            studio.publish("anna", "v1", said)
    assert studio.registry.releases.all() == ()


def test_names_belong_to_whom_they_show(studio, trained, published):
    studio.new("ben")
    with pytest.raises(NotFound, match='no LoRA named "ben"'):
        studio.publish("ben", "v1")
    for name in ("ben", "anna"):
        other = {"ben": "anna-1", "anna": "ben-1"}[name]
        file = studio.registry.blobs.path(trained.adapter.file_sha256)
        if other == "ben-1":
            studio.consent("ben", relation="self", acts=EVERYTHING)
            studio.import_adapter(file, subject="ben", name="ben-1")
        with pytest.raises(BadInput, match=f'"{name}" stands for'):
            studio.publish(name, "v2", lora=other)
    for name in ("../anna", "an na", "-x", "a/b"):
        with pytest.raises((BadInput, NotFound)):
            studio.publish(name, "v2", lora="anna-1")


def test_a_card_is_written_for_people_and_for_programs(studio, published, tmp_path):
    _, (markdown, record) = studio.card("anna", tmp_path)
    assert markdown.read_text(encoding="utf-8") == card.page(published)
    read = Card.model_validate_json(record.read_bytes())
    assert read == Card(release=published.release, signature=published.signature)
    assert read.signature.about == read.release.sha256()


def test_a_withdrawal_ends_every_release(studio, trained, published, tmp_path):
    second = studio.publish("anna", "v2")
    done = studio.withdraw("anna")
    assert done.releases == (published.release, second.release)
    for act in (
        lambda: studio.card("anna@v1"),
        lambda: studio.publish("anna", "v3"),
        lambda: studio.export_adapter("anna@v1", tmp_path / "o"),
        lambda: studio.generate("<lora:anna@v1:1>", base=str(trained.base), out=tmp_path / "o"),
    ):
        with pytest.raises(NotPermitted, match="withdrew every permission"):
            act()
    assert not (tmp_path / "o").exists()


def test_lists_hold_what_may_be_shown_today(studio, trained, published):
    studio.new("cleo")
    studio.consent("cleo", relation="self", acts=EVERYTHING)
    consent = studio.permitted("publish", "cleo").sha256()
    theirs = {"subject": "cleo", "tensors_sha256": "1" * 64, "consent_sha256": consent}
    shelve(studio.registry, trained.adapter.model_copy(update=theirs))
    wanted = Wanted(sort="newest")
    assert [hit.shelved.subject for hit in studio.releases(wanted)] == ["cleo", "anna"]
    assert len(studio.releases(wanted, n=1)) == 1
    studio.withdraw("cleo")
    assert [hit.shelved for hit in studio.releases(wanted, n=1)] == [published]
    assert studio.releases(Wanted(words="cleo", sort="relevance")) == ()


def test_what_is_fetched_and_drawn_is_counted(studio, trained, published, tmp_path):
    assert studio.releases(Wanted(period="day")) == ()
    assert [(hit.shelved, hit.number) for hit in studio.releases()] == [(published, 0)]
    studio.export_adapter("anna@1990s", tmp_path / "a")
    studio.export_adapter("anna-1", tmp_path / "b")
    prompt = "<lora:anna@latest:1> anna"
    studio.generate(prompt, base=str(trained.base), out=tmp_path / "c", n=2)
    (most,) = studio.releases(Wanted(period="day", base="flux", tags=("family",)))
    assert (most.shelved, most.number) == (published, 1)
    (drawn,) = studio.releases(Wanted(sort="pictures"))
    assert drawn.number == 2


@pytest.fixture
def careful(studio):
    """A workspace of somebody who lets nothing be published that copies her pictures."""
    studio.consent(
        "anna", relation="self", who="Anna Weber", acts=EVERYTHING, terms={"audit_first": True}
    )
    return studio


def test_only_a_search_of_these_weights_that_found_no_copies_opens_them(careful, trained):
    found = audited(trained.adapter)
    with pytest.raises(NotPermitted, match=r"none of these weights .* sosie audit anna --copies"):
        careful.publish("anna", "v1")
    file(careful, found, "likeness")
    with pytest.raises(NotPermitted, match="none of these weights"):
        careful.publish("anna", "v1")
    file(careful, found, "copying", "failed")
    with pytest.raises(NotPermitted, match="the latest of these weights found some"):
        careful.publish("anna", "v1")
    file(careful, found, "copying", "not measured")
    with pytest.raises(NotPermitted, match="could not tell"):
        careful.publish("anna", "v1")
    file(careful, found, "copying")
    with pytest.raises(NotPermitted, match=r"none of these weights .* audit anna-1@2 --copies"):
        careful.publish("anna", "v1", lora="anna-1@2")
    release = careful.publish("anna", "v1").release
    assert release.copying.report_sha256 == found.sha256()
    assert dict(card.examined(release))["copies of the pictures (audit)"] == "passed"


def test_copies_that_are_found_later_take_a_release_off_the_shelf(careful, trained):
    found = audited(trained.adapter)
    file(careful, found, "copying")
    published = careful.publish("anna", "v1")
    everything = Wanted(sort="newest")
    assert [hit.shelved for hit in careful.releases(everything)] == [published]
    assert careful.card("anna@v1")[0] == published
    file(careful, found, "copying", "failed")
    assert careful.releases(everything) == ()
    with pytest.raises(NotPermitted, match="found some"):
        careful.card("anna@v1")


def test_a_release_from_before_copies_were_searched_keeps_its_hash(published):
    assert "copying" not in json.loads(published.release.canonical())
    again = published.release.model_validate_json(published.release.canonical())
    assert again.sha256() == published.release.sha256()


def test_what_is_taken_out_says_what_its_card_says(studio, trained, tmp_path):
    drawn = studio.generate("<lora:anna:1> anna", base=str(trained.base), out=tmp_path / "d", n=1)
    studio.publish("anna", "v1", Said(author="Ben", strength=0.8), pictures=drawn.files)
    written = studio.export_adapter("anna@v1", tmp_path / "a", programs=("a1111",))
    said = {path.name: path for path in written}
    told = json.loads(said["anna@v1.json"].read_text())
    assert (told["preferred weight"], told["activation text"]) == (0.8, "anna")
    assert sha256_file(said["anna@v1.preview.png"]) == sha256_file(drawn.files[0])


def test_forgetting_destroys_every_release(studio, published):
    home = studio.registry.home
    studio.registry.usage.add([Use.just_now(published.release.sha256(), "downloads")] * 2)
    _, receipt = studio.forget("anna")
    gone = {file.file_sha256 for file in receipt.destroyed}
    assert {file.file_sha256 for file in published.release.files} <= gone
    assert studio.registry.releases.all() == ()
    assert not studio.registry.blobs.path(published.release.lora.file_sha256).exists()
    data = b"".join(path.read_bytes() for path in home.glob("sosie.sqlite3*"))
    for word in (b"Anna at sixty", b"portrait", b"1990s"):
        assert word not in data
    for table in ("usage_events", "usage_days", "usage_windows", "release_labels"):
        assert studio.registry._db.rows(f"SELECT * FROM {table}") == []


def test_the_shelf_is_read_as_it_was_signed(studio, published):
    assert Studio(studio.registry.home).card("anna@v1")[0] == published
