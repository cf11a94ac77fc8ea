"""The shelf: a release is filed once, found by any of its names, and never changes."""

import sqlite3

import pytest
from pydantic import ValidationError

from sosie.core.consent import Consent
from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.core.records import Subject, now
from sosie.core.release import Release
from sosie.registry import Registry
from sosie.registry.names import checked_version
from sosie.rights import Key, sign
from tests.registry.shelf import frozen, release, signed


def shelve(registry: Registry, version: str, name: str = "anna", aliases=(), **fields):
    return registry.releases.add(
        signed(registry, release(registry, name, version, **fields)), aliases
    )


def test_a_release_comes_back_as_it_was_filed(registry):
    filed = shelve(registry, "v1", aliases=["1990s"], ages={"first": 60, "last": 72})
    newer = shelve(registry, "V2")
    with Registry.open(registry.home) as again:
        get = again.releases.get
        assert get("anna", "v1") == get("ANNA", "V1") == get("anna", "1990S") == filed
        assert get("anna") == get("anna", "latest") == get("anna", "v2") == newer
        assert again.releases.versions("anna") == (filed, newer) == again.releases.all()
        assert again.releases.by_file(filed.release.lora.file_sha256) == (filed,)
        assert get("anna").signature.holds()


def test_what_is_not_there_is_told_with_the_nearest(registry):
    shelve(registry, "v1", aliases=["1990s"])
    with pytest.raises(NotFound, match=r'release named "ana". Did you mean "anna"'):
        registry.releases.get("ana")
    with pytest.raises(NotFound, match=r'version of anna named "1999s". Did you mean "1990s"'):
        registry.releases.get("anna", "1999s")


@pytest.mark.parametrize("version", ["v1", "V1", "1990s"])
def test_a_title_is_given_once(registry, version):
    first = shelve(registry, "v1", aliases=["1990s"])
    with pytest.raises(BadInput, match=r"published before|alias of another"):
        shelve(registry, version, about="another text")
    assert registry.releases.versions("anna") == (first,)


def test_an_alias_is_not_stolen(registry):
    shelve(registry, "v1", aliases=["best"])
    with pytest.raises(BadInput, match="stands for v1, and whoever uses it counts on that"):
        shelve(registry, "v2", aliases=["Best"])
    assert len(registry.releases.versions("anna")) == 1, "a refused alias left a release behind"
    shelve(registry, "v2")
    registry.releases.set_alias("anna", "v1", "best")
    with pytest.raises(BadInput, match="--move"):
        registry.releases.set_alias("anna", "v2", "best")
    with pytest.raises(BadInput, match="itself a version"):
        registry.releases.set_alias("anna", "v2", "V1", move=True)
    registry.releases.set_alias("anna", "v2", "best", move=True)
    assert registry.releases.aliases("anna") == {"best": "v2"}
    assert registry.releases.aliases("anne") == {}


@pytest.mark.parametrize(
    "version", ["", "500", "latest", "..", "../v1", "v1/..", ".v1", "v1.", "-v1", "a b", "v\0",
                "v\n"]
)  # fmt: skip
def test_versions_that_mean_something_else_are_refused(registry, version):
    with pytest.raises(BadInput):
        checked_version(version)
    with pytest.raises(ValidationError):
        release(registry, version=version)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "..", "a/b", "a\\b", ".hidden", "con.txt", "nul", "a\0b",
             "a\nb", "", "x" * 121, "end.", "a:b"]
)  # fmt: skip
def test_a_file_name_is_no_path(registry, name):
    file = frozen(registry, b"w", "fine.safetensors").model_dump()
    with pytest.raises(ValidationError):
        release(registry, files=(file | {"name": name},))


def test_a_release_shows_what_it_holds(registry):
    lora = frozen(registry, b"w", "a.safetensors")
    for fields in (
        {"cover_sha256": "1" * 64},
        {"cover_sha256": lora.file_sha256},
        {"files": (lora, frozen(registry, b"v", "A.safetensors", "picture"))},
        {"files": (lora, frozen(registry, b"v", "b.safetensors"))},
        {"about": "turned \u202egnp.exe"},
        {"author": "two\nlines"},
        {"doctor": {"verdict": "ready", "report_sha256": "1" * 64, "figures": {"x": "y" * 70_000}}},
        {"years": {"first": 1999, "last": 1990}},
    ):
        with pytest.raises(ValidationError):
            release(registry, **{"files": (lora,), **fields})


def test_only_what_is_signed_is_filed(registry, tmp_path):
    made = release(registry)
    good = signed(registry, made)
    other = release(registry, about="changed")
    for bad in (
        good.model_copy(update={"release": other}),
        good.model_copy(update={"signature": good.signature.model_copy(update={"at": None})}),
    ):
        with pytest.raises(BadInput, match="signature is not of anna@v1"):
            registry.releases.add(bad)
    registry.blobs.drop(made.lora.file_sha256)
    with pytest.raises(WorkspaceError, match="is not stored"):
        registry.releases.add(good)
    assert registry.releases.all() == ()


def test_a_changed_record_is_noticed(registry):
    shelve(registry, "v1", about="as it was")
    with pytest.raises(sqlite3.IntegrityError, match="never change"), registry._db.writing() as db:
        db.execute("UPDATE releases SET subject = 'anna'")
    with registry._db.writing() as db:
        db.execute("DROP TRIGGER releases_no_update")
        db.execute("UPDATE releases SET record = replace(record, 'as it was', 'as it is')")
    with pytest.raises(WorkspaceError, match="anna@v1 was changed after it was published"):
        registry.releases.get("anna")


def test_the_files_of_a_release_are_kept(registry):
    filed = shelve(registry, "v1")
    assert registry.sweep(age=-1).blobs == ()
    registry.blobs.drop(filed.release.lora.file_sha256)
    assert registry.missing_blobs() == (filed.release.lora.file_sha256,)


def test_releases_are_found_by_whom_they_show(registry):
    registry.add_subject(Subject(name="ben", kind="person", trigger="ben", created=now()))
    consent = Consent(
        subject="ben", who="Ben", relation="self", signed_by="Ben", acts=("publish",),
        recorded=now(),
    )  # fmt: skip
    sha256 = registry.record_consent(consent)
    both = [{"consent_sha256": one, "relation": "self"} for one in ("0" * 64, sha256)]
    shared = shelve(registry, "v1", permissions=both)
    shelve(registry, "v2")
    assert registry.releases.showing("ben") == (shared,)
    assert len(registry.releases.showing("anna")) == 2
    assert registry.releases.permissions(shared.release.tensors_sha256) == ("0" * 64, sha256)


def test_the_record_reads_back_from_its_own_json(registry):
    made = release(registry, terms={"price": {"amount": "12.50", "currency": "EUR"}})
    again = Release.model_validate_json(made.canonical())
    assert again == made and again.sha256() == made.sha256()


def test_a_strangers_key_does_not_stand_for_ours(registry):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = release(registry)
    key = Key(Ed25519PrivateKey.generate())
    theirs = sign(key, made.sha256(), role="trainer", at=made.published)
    shelved = signed(registry, made).model_copy(update={"signature": theirs})
    assert registry.releases.add(shelved).signature.public_key == key.public
    assert registry.releases.get("anna").signature == theirs
