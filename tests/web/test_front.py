"""The front of the catalogue: tokens, rates, ranges, names, and a withdrawal in mid-download."""

from __future__ import annotations

from datetime import date, timedelta

import httpx2
import pytest

from sosie.core.errors import BadInput
from sosie.core.files import sha256_bytes
from sosie.web import guard, handing
from sosie.web.guard import Rate
from tests.web.conftest import served

WEIGHTS = "/me/anna/resolve/v1/pytorch_lora_weights.safetensors"


def get(address: str, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.get(address + path, headers={**sent, **headers})


def test_a_token_opens_what_it_is_for_and_nothing_else(studio, address):
    _, lister = studio.make_token("lister", ("list",))
    assert get(address, "/api/v1/models", lister).status_code == 200
    assert get(address, WEIGHTS, lister).status_code == 403
    assert get(address, "/sosie/v1/releases/anna@v1", lister).status_code == 403
    assert httpx2.post(
        f"{address}/sosie/v1/releases", headers={"Authorization": f"Bearer {lister}"}
    ).status_code == 403  # fmt: skip
    assert get(address, "/api/v1/models").status_code == 401
    assert get(address, "/api/v1/models", "sosie_wrong").status_code == 401
    assert get(address, "/api/v1/models", Authorization=f"Basic {lister}").status_code == 401


def test_a_token_ends_when_it_is_revoked_and_on_its_day(studio, address):
    _, first = studio.make_token("first", ("list",))
    _, ended = studio.make_token("ended", ("list",), date.today() - timedelta(days=1))
    assert get(address, "/api/v1/models", first).status_code == 200
    assert get(address, "/api/v1/models", ended).status_code == 401
    assert studio.revoke_token("first").revoked is not None
    assert get(address, "/api/v1/models", first).status_code == 401
    with pytest.raises(BadInput, match="There was a token"):
        studio.make_token("first", ("list",))


def test_no_token_is_on_file(studio, token):
    files = [path for path in studio.registry.home.rglob("*") if path.is_file()]
    assert files and not any(token.encode() in path.read_bytes() for path in files)


def test_open_means_listing_and_downloading_alone(studio):
    with served(studio, open_to_all=True) as address:
        assert get(address, "/api/v1/models").status_code == 200
        assert get(address, WEIGHTS).status_code == 200
        assert get(address, "/sosie/v1/releases/anna@v1").status_code == 401


def test_another_name_for_this_machine_is_refused(address, token):
    assert get(address, "/api/v1/models", token, Host="evil.example").status_code == 400


def test_who_asks_too_often_must_wait(studio, token):
    with served(studio, per_minute=3) as address:
        codes = [get(address, "/api/v1/tags", token).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert int(get(address, "/api/v1/tags", token).headers["Retry-After"]) >= 1
        _, other = studio.make_token("other", ("list",))
        assert get(address, "/api/v1/tags", other).status_code == 200


def test_who_guesses_tokens_must_wait(address):
    codes = [get(address, "/api/v1/tags", f"sosie_{n}").status_code for n in range(12)]
    assert codes[0] == 401 and codes[-1] == 429


def test_a_bucket_fills_evenly_and_forgets_who_is_gone(monkeypatch):
    now = [0.0]
    rate = Rate(60, lambda: now[0])
    assert [rate.wait("a") for _ in range(60)] == [0] * 60
    assert rate.wait("a") == pytest.approx(1)
    now[0] += 2
    assert [rate.wait("a") > 0 for _ in range(3)] == [False, False, True]
    monkeypatch.setattr(guard, "REMEMBERED", 2)
    for asker in ("b", "c", "d"):
        rate.wait(asker)
    assert len(rate._buckets) <= 3


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=10-", 206, (10, None)),
        ("bytes=-7", 206, (-7, None)),
        ("bytes=5-99999999999", 206, (5, None)),
        ("bytes=99999999999-", 416, None),
        ("bytes=9-5", 416, None),
        ("bytes=0-1,3-4", 200, (0, None)),
        ("lines=0-9", 200, (0, None)),
        ("bytes=-", 200, (0, None)),
    ],
)
def test_ranges(client, asked, status, told):
    whole = client.get(WEIGHTS).content
    answer = client.get(WEIGHTS, headers={"Range": asked})
    assert answer.status_code == status
    if told is None:
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
    else:
        assert answer.content == whole[slice(*told)]
        assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_range_of_an_older_file_is_answered_with_the_whole(client, first):
    whole = client.get(WEIGHTS)
    tag = whole.headers["ETag"]
    assert tag == f'"{first.release.lora.file_sha256}"' == f'"{sha256_bytes(whole.content)}"'
    newer = client.get(WEIGHTS, headers={"Range": "bytes=5-", "If-Range": '"older"'})
    assert newer.status_code == 200 and newer.content == whole.content
    same = client.get(WEIGHTS, headers={"Range": "bytes=5-", "If-Range": tag})
    assert same.status_code == 206
    assert client.get(WEIGHTS, headers={"If-None-Match": tag}).status_code == 304
    head = client.head(WEIGHTS)
    assert head.content == b"" and int(head.headers["Content-Length"]) == len(whole.content)


def test_a_withdrawal_breaks_off_a_download_that_is_going_on(studio, first, monkeypatch):
    monkeypatch.setattr(handing, "PIECE", 512)
    handed = studio.hand_out("anna@v1", first.release.lora.file_sha256)
    pieces = handing._pieces(handed, 0, handed.file.size - 1)
    assert len(next(pieces)) == 512
    studio.withdraw("anna")
    with pytest.raises(Exception, match="Not permitted to serve"):
        next(pieces)


def test_refusals_tell_neither_names_nor_folders(studio, client):
    studio.withdraw("anna")
    answer = client.get(WEIGHTS)
    assert answer.status_code == 403
    assert "Anna Weber" not in answer.text and str(studio.registry.home) not in answer.text
