"""Releases between workspaces: over HTTP and in a folder, whole, permitted and as signed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from sosie import rights
from sosie.core.errors import BadInput, NotFound, NotPermitted, SosieError, WorkspaceError
from sosie.core.terms import ACTS
from sosie.registry.sweep import INCOMING
from sosie.studio import Studio, permission
from sosie.studio.moving import parcel, places
from sosie.studio.moving.parcel import Given, Parcel, Sent
from tests.studio.test_studio_gate import tomorrow
from tests.web.conftest import served


def untouched(home: Studio) -> bool:
    """Whether a workspace holds nothing at all of anybody."""
    here = home.registry
    blobs = list(here.blobs.stored())
    return not (here.subjects() or here.releases.all() or blobs)


def resealed(studio: Studio, changed: Parcel) -> bytes:
    """A parcel as somebody who holds the workspace's key would send it."""
    seal = rights.sign(studio.registry.key(), changed.sha256(), role="trainer")
    return parcel.encoded(Sent(parcel=changed, seal=seal))


@pytest.fixture
def stick(studio, tmp_path) -> Path:
    """A folder that the release was pushed to."""
    studio.push("anna@v1", str(tmp_path / "stick"))
    return tmp_path / "stick"


def record(stick: Path) -> Path:
    return stick / "anna@v1.sosie" / "parcel.json"


def weights(stick: Path, studio: Studio) -> Path:
    return stick / "anna@v1.sosie" / studio.offered("anna@v1").release.lora.file_sha256


# What works


def test_a_release_goes_by_stick_and_can_be_drawn_with_there(studio, other, stick, trained):
    told: list[str] = []
    shelved = other.pull(str(stick), "anna@v1", say=told.append)
    assert shelved.release == studio.offered("anna@v1").release
    assert studio.registry.key().public not in "".join(told)
    assert any(line.startswith("Signed by the key") for line in told)
    assert other.registry.consents("anna") == studio.registry.consents("anna")
    drawn = other.generate("<lora:anna@v1:1> anna", base=str(trained.base), out=stick / "o", n=1)
    assert other.verify(drawn.files[0]).verdict == "as signed"
    assert not list((other.registry.home / INCOMING).iterdir())
    assert other.pull(str(stick), "anna@v1") == shelved, "a second time changes nothing"


def test_a_release_goes_over_http_and_on_from_there(studio, other, address, token, tmp_path):
    other.pull(address, "anna@1990s", token=token)
    assert [one.release.title for one in other.versions("anna")] == ["anna@v1"]
    third = Studio(tmp_path / "third")
    _, push = third.make_token("push", ("push",))
    with served(third) as there:
        other.push("anna@v1", there, token=push)
        other.push("anna@v1", there, token=push)
    assert third.offered("anna@v1").release == studio.offered("anna@v1").release
    assert third.registry.consents("anna") == studio.registry.consents("anna")


def test_the_key_can_be_asked_for(studio, other, stick):
    with pytest.raises(BadInput, match="signed by another key"):
        other.pull(str(stick), "anna@v1", key="0123" * 4)
    for few in ("", "0", "0123"):
        with pytest.raises(BadInput, match="too short for a fingerprint"):
            other.pull(str(stick), "anna@v1", key=few)
    assert untouched(other)
    key = rights.fingerprint(studio.registry.key().public)
    assert other.pull(str(stick), "anna@v1", key=key[:16].upper())


# Permission, at both ends


@pytest.mark.parametrize("way", ["http", "folder"])
def test_the_one_who_gives_asks(way, studio, other, address, token, tmp_path):
    studio.consent("anna", relation="self", who="Anna Weber", acts=())
    studio.consent("anna", relation="self", who="Anna Weber", acts=("generate",))
    with pytest.raises(NotPermitted):
        if way == "http":
            other.pull(address, "anna@v1", token=token)
        else:
            studio.push("anna@v1", str(tmp_path / "stick"))
    assert untouched(other) and not (tmp_path / "stick").exists()


def test_the_one_who_takes_asks_too(studio, other, stick, monkeypatch):
    studio.consent(
        "anna",
        relation="self",
        who="Anna Weber",
        acts=ACTS,
        until=date.today(),
    )
    studio.push("anna@v1", str(stick))
    monkeypatch.setattr(permission, "now", tomorrow)
    with pytest.raises(NotPermitted, match="until"):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


def test_a_withdrawal_that_comes_with_a_parcel_holds_here_too(studio, other, stick):
    other.pull(str(stick), "anna@v1")
    studio.withdraw("anna")
    sent = parcel.pack(studio.registry, studio.registry.releases.get("anna", "v1"))
    record(stick).write_bytes(parcel.encoded(sent))
    with pytest.raises(NotPermitted, match="withdrew"):
        other.pull(str(stick), "anna@v1")
    with pytest.raises(NotPermitted, match="withdrew"):
        other.generate("<lora:anna@v1:1> anna", base="tiny", out=stick)


def test_what_was_withdrawn_here_is_not_permitted_again_by_an_older_parcel(studio, other, stick):
    other.pull(str(stick), "anna@v1")
    other.withdraw("anna")
    with pytest.raises(NotPermitted, match="withdrew"):
        other.pull(str(stick), "anna@v1")


def test_histories_that_contradict_are_refused(studio, other, stick):
    other.pull(str(stick), "anna@v1")
    other.consent("anna", relation="self", who="Anna Weber", acts=("train",))
    studio.consent("anna", relation="self", who="Anna Weber", acts=ACTS)
    studio.push("anna@v1", str(stick))
    with pytest.raises(BadInput, match="contradict"):
        other.pull(str(stick), "anna@v1")


def test_another_person_of_that_name_lends_nobody_her_permission(other, stick):
    other.new("anna")
    with pytest.raises(BadInput, match="may be another person"):
        other.pull(str(stick), "anna@v1")
    assert other.registry.consents("anna") == () and not other.registry.releases.all()


# Bad input: refused with the reason, nothing half-written


def forged(studio: Studio, sent: Sent, how: str) -> tuple[bytes, str]:
    """A parcel that somebody tampered with, and the reason for which it is refused."""
    own, release = sent.parcel, sent.parcel.release
    [person] = own.people
    stranger = Studio(studio.registry.home.parent / "stranger").registry.key()
    if how == "a changed byte":
        return parcel.encoded(sent).replace(b"Anna at sixty", b"Anna at eighty"), "changed after"
    if how == "another release under the signature":
        other_release = release.model_copy(update={"about": "Anyone."})
        changed = own.model_copy(update={"release": other_release})
        return resealed(studio, changed), "signature under anna@v1 is forged"
    if how == "a forged permission":
        wider = person.history[0].consent.model_copy(update={"acts": ACTS})
        given = Given(consent=wider, signatures=person.history[0].signatures)
        changed_person = person.model_copy(update={"history": (given, *person.history[1:])})
        return resealed(studio, own.model_copy(update={"people": (changed_person,)})), "forged"
    if how == "a permission of another person":
        consent = person.history[0].consent.model_copy(update={"subject": "ben"})
        signature = rights.sign(stranger, consent.sha256(), role="subject")
        given = Given(consent=consent, signatures=(signature,))
        changed_person = person.model_copy(update={"history": (given, *person.history)})
        return resealed(studio, own.model_copy(update={"people": (changed_person,)})), "another"
    if how == "a permission that it does not have":
        changed_person = person.model_copy(update={"history": person.history[:1]})
        return resealed(studio, own.model_copy(update={"people": (changed_person,)})), "not in it"
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "a changed byte",
        "another release under the signature",
        "a forged permission",
        "a permission of another person",
        "a permission that it does not have",
    ],
)
def test_a_parcel_that_was_tampered_with(how, studio, other, stick):
    sent = parcel.opened(record(stick).read_bytes())
    data, why = forged(studio, sent, how)
    record(stick).write_bytes(data)
    with pytest.raises(BadInput, match=why):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


@pytest.mark.parametrize(
    "name", ["../../key.pem", "/etc/passwd", "a/b.png", "a\\b.png", "..", "con.png", "a\0.png"]
)
def test_a_file_name_that_is_a_path(name, other, stick):
    told = json.loads(record(stick).read_bytes())
    told["parcel"]["release"]["files"][0]["name"] = name
    record(stick).write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"The parcel is refused.*name.*\bname of a\b"):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


@pytest.mark.parametrize(
    "title", ["../anna@v1", "anna@../../x", "anna@v1/..", "", "@", "anna@v1\n"]
)
def test_a_title_that_is_a_path(title, other, stick, address, token):
    for source in (str(stick), address):
        with pytest.raises(SosieError):
            other.pull(source, title, token=token)
    assert untouched(other)


def test_a_link_to_elsewhere_is_not_followed(studio, other, stick, tmp_path):
    file = weights(stick, studio)
    shutil.move(file, tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="cannot be read: it is a link"):
        other.pull(str(stick), "anna@v1")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(BadInput, match="no regular file"):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


def test_a_file_with_other_bytes_or_more_of_them(studio, other, stick):
    file = weights(stick, studio)
    data = file.read_bytes()
    for changed, why in (
        (data[:-1] + bytes([data[-1] ^ 1]), "its hash is another"),
        (data + b"x" * 5_000_000, "longer than"),
    ):
        file.write_bytes(changed)
        with pytest.raises(BadInput, match=why):
            other.pull(str(stick), "anna@v1")
        assert untouched(other) and list((other.registry.home / INCOMING).iterdir()) == []
    file.write_bytes(data)
    assert other.pull(str(stick), "anna@v1")


def test_a_picture_that_unpacks_to_more_than_memory(studio, other, stick):
    """A PNG header of 65,000 × 65,000 pixels in a hundred bytes, properly signed."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999)))
    sent = parcel.opened(record(stick).read_bytes())
    release = sent.parcel.release
    pictures = [
        file.model_copy(update={"file_sha256": studio.registry.blobs.put(bomb), "size": len(bomb)})
        if file.role == "picture"
        else file
        for file in release.files
    ]
    shown = pictures[-1].file_sha256
    told = release.model_copy(
        update={"files": tuple(pictures), "examples": (), "cover_sha256": shown}
    )
    signature = rights.sign(studio.registry.key(), told.sha256(), role="trainer")
    changed = sent.parcel.model_copy(update={"release": told, "signature": signature})
    record(stick).write_bytes(resealed(studio, changed))
    (record(stick).parent / shown).write_bytes(bomb)
    with pytest.raises(BadInput, match="more pixels than are safe"):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


def test_a_record_without_end_is_not_read_to_its_end(other, stick):
    with record(stick).open("wb") as file:
        file.truncate(10 * parcel.LARGEST)
    with pytest.raises(BadInput, match="more than 8 MiB"):
        other.pull(str(stick), "anna@v1")


@pytest.mark.parametrize(
    ("claim", "why"),
    [("0" * 64, "claims a permission that it does not have"), (None, "does not prove it")],
)
def test_a_lora_that_lies_about_its_permission(claim, why, studio, other, stick):
    """It names one that nobody gave, or the right one without a signature; release and seal are
    properly signed."""
    from sosie.models.lora import container

    data = weights(stick, studio).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    header = entries.pop("__metadata__")
    del header["sosie.signature"]
    header["sosie.consent_sha256"] = claim or header["sosie.consent_sha256"]
    lie = container.frame(entries, data[start:], header)
    sent = parcel.opened(record(stick).read_bytes())
    release = sent.parcel.release
    files = tuple(
        file.model_copy(update={"file_sha256": studio.registry.blobs.put(lie), "size": len(lie)})
        if file.role == "lora"
        else file
        for file in release.files
    )
    told = release.model_copy(update={"files": files})
    signature = rights.sign(studio.registry.key(), told.sha256(), role="trainer")
    changed = sent.parcel.model_copy(update={"release": told, "signature": signature})
    record(stick).write_bytes(resealed(studio, changed))
    (record(stick).parent / told.lora.file_sha256).write_bytes(lie)
    with pytest.raises(NotPermitted, match=why):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


def test_a_version_that_is_here_with_other_content_stays(studio, other, stick):
    other.pull(str(stick), "anna@v1")
    sent = parcel.opened(record(stick).read_bytes())
    told = sent.parcel.release.model_copy(update={"about": "Another."})
    signature = rights.sign(studio.registry.key(), told.sha256(), role="trainer")
    changed = sent.parcel.model_copy(update={"release": told, "signature": signature})
    record(stick).write_bytes(resealed(studio, changed))
    with pytest.raises(BadInput, match="a release never changes"):
        other.pull(str(stick), "anna@v1")


def test_a_full_disk_is_told_before_anything_comes(other, stick, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(WorkspaceError, match="are free"):
        other.pull(str(stick), "anna@v1")
    assert untouched(other)


# Interrupted


def test_what_has_come_is_gone_on_from(studio, other, address, token, monkeypatch):
    asked: list[int] = []
    true = places.Address._get

    def breaking(self, path, offset, most):
        asked.append(offset)
        for piece in true(self, path, offset, most):
            if "files" in path and offset == 0 and len(piece) > 100:
                yield piece[:100]
                return
            yield piece

    monkeypatch.setattr(places.Address, "_get", breaking)
    with pytest.raises(BadInput, match="broke off after 100 of"):
        other.pull(address, "anna@v1", token=token)
    assert untouched(other)
    while not other.registry.releases.all():
        try:
            other.pull(address, "anna@v1", token=token)
        except BadInput as error:
            assert "broke off after 100" in str(error)
    assert asked.count(100) == len(studio.offered("anna@v1").release.files)


SLOWLY = """
import sys, time
from sosie.studio import Studio, permission
from sosie.studio.moving import places
places.PIECE = 64
true = places._read
def slowly(path, offset, most):
    for piece in true(path, offset, most):
        time.sleep(0 if path.name == "parcel.json" else 0.02)
        yield piece
places._read = slowly
home, call, *words = sys.argv[1:]
getattr(Studio(__import__("pathlib").Path(home)), call)(*words)
"""


def killed(home: Path, call: str, *words: str, until: Path) -> None:
    """Run a verb slowly in a process of its own, and kill it when the first bytes have come."""
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(home), call, *words])
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 200 for path in until.glob("*") if path.is_file()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_pull_that_was_killed(other, stick):
    incoming = other.registry.home / INCOMING
    killed(other.registry.home, "pull", str(stick), "anna@v1", until=incoming)
    assert untouched(other) and not other.registry.missing_blobs()
    [part] = incoming.iterdir()
    before = part.stat().st_size
    assert before > 200
    seen: list[int] = []
    true = places._read

    def watched(path, offset, most):
        seen.append(offset)
        return true(path, offset, most)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_read", watched)
        other.pull(str(stick), "anna@v1")
    assert before in seen, "it goes on where it was killed"
    assert other.offered("anna@v1") and not list(incoming.iterdir())


def filing(studio: Studio, stick: Path, statement: int) -> bool:
    """Pull in a process that is killed before the given INSERT; whether it came to that."""
    child = os.fork()
    if child == 0:
        inserts = count()

        def seen(sql: str) -> None:
            if sql.startswith("INSERT") and next(inserts) == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            here = Studio(studio.registry.home)
            here.registry._db._db.set_trace_callback(seen)
            here.pull(str(stick), "anna@v1")
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_at_any_moment_of_filing_nobody_is_half_on_file(studio, other, stick):
    studio.consent("anna", relation="self", who="Anna Weber", acts=ACTS)
    studio.push("anna@v1", str(stick))
    statements = 0
    while filing(other, stick, statements):
        statements += 3
        assert not other.registry.subjects() and not other.registry.releases.all()
        assert not other.registry.missing_blobs()
    assert statements > 10, "each permission, signature, label and file is a row"
    assert other.offered("anna@v1") and not list((other.registry.home / INCOMING).iterdir())
    assert other.registry.consents("anna") == studio.registry.consents("anna")


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["copying", "filing"])
def test_a_disk_that_fills_in_the_middle_leaves_nothing_of_anybody(
    what, studio, other, stick, monkeypatch
):
    with monkeypatch.context() as patch:
        if what == "copying":
            true, room = shutil.copyfile, count()
            patch.setattr(shutil, "copyfile", lambda *two: full() if next(room) else true(*two))
        else:
            db = other.registry._db._db
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(WorkspaceError, match="full"):
            other.pull(str(stick), "anna@v1")
    assert untouched(other)
    if what == "filing":
        db.execute("PRAGMA max_page_count = 1000000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_reader", lambda path, file: lambda have: full())
        assert other.pull(str(stick), "anna@v1"), "what has come is not asked for again"
    assert not list((other.registry.home / INCOMING).iterdir())


def test_a_push_that_was_killed_leaves_no_parcel(studio, other, tmp_path):
    stick = tmp_path / "stick"
    place = stick / "anna@v1.sosie"
    killed(studio.registry.home, "push", "anna@v1", str(stick), until=place)
    with pytest.raises(NotFound):
        other.pull(str(stick), "anna@v1")
    studio.push("anna@v1", str(stick))
    assert not list(place.glob("*.part"))
    assert other.pull(str(stick), "anna@v1")


# Addresses


@pytest.mark.parametrize(
    "address",
    ["http://example.org", "ftp://127.0.0.1", "http://", "https://user@host", "http://[::1"],
)
def test_an_address_that_would_give_the_token_away(address, other):
    with pytest.raises(BadInput):
        other.pull(address, "anna@v1", token="sosie_x")


def test_nobody_who_answers_is_no_disaster(other):
    with pytest.raises(WorkspaceError, match="does not answer"):
        other.pull("http://127.0.0.1:9", "anna@v1")


def test_only_what_is_awaited_is_taken_in(studio, other):
    with pytest.raises(NotFound, match="awaited"):
        other.take_in("0" * 64, "1" * 64, 0, iter([b"x"]))
    with pytest.raises(NotFound, match="awaited"):
        other.take_in("../" * 20, "1" * 64, 0, iter([b"x"]))
    assert not list((other.registry.home).glob("incoming/*"))


def test_what_never_came_whole_is_tidied_away(studio, other, stick):
    file = weights(stick, studio)
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(BadInput, match="broke off"):
        other.pull(str(stick), "anna@v1")
    [part] = (other.registry.home / INCOMING).iterdir()
    assert other.tidy().temporaries == () and part.exists(), "it is young: the pull may go on"
    assert other.registry.sweep(age=-1).temporaries == (part,) and not part.exists()


def test_forgetting_leaves_nothing_half_come(studio):
    part = studio.registry.home / INCOMING / ("0" * 64)
    part.parent.mkdir()
    part.write_bytes(b"half of somebody")
    studio.forget("anna")
    assert not part.exists()
