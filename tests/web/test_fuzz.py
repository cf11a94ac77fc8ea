"""Whatever strangers send: a refusal in words, never a crash, and never anything on file."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from sosie import rights
from sosie.core.errors import BadInput, SosieError
from sosie.core.terms import ACTS, SCOPES
from sosie.studio import Studio
from sosie.studio.moving import parcel
from sosie.studio.moving.parcel import Given, Parcel, Sent
from sosie.web.app import Settings, build
from tests.registry.shelf import shelve

HARDLY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["0" * 64, "../x", "1e999", 2**63, -1, "train"])
    | st.sampled_from(["2026-01-01T00:00:00", "2999-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SEGMENT = st.text(max_size=12) | st.sampled_from(
    [
        *("api", "v1", "models", "me", "anna", "resolve", "main", "v1", "README.md", "enums"),
        *("model-versions", "by-hash", "tags", "download", "sosie", "releases", "incoming"),
        *("anna@v1", "files", "tree", "revision", "refs", "0" * 64, "f" * 40, "%00", "..", "-1"),
    ]
)
QUERY = st.dictionaries(
    st.sampled_from(
        ["limit", "cursor", "query", "tag", "types", "baseModels", "ids", "sort", "period"]
    )
    | st.text(max_size=5),
    st.text(max_size=12) | st.integers() | st.sampled_from(["Newest", "Day", "LORA", "1e9"]),
    max_size=4,
)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(["Range", "If-Range", "If-None-Match", "Accept-Encoding", "Content-Type"]),
    LATIN | st.from_regex(r"bytes=\d{0,25}-\d{0,25}", fullmatch=True),
    max_size=3,
)


def replace_one(whole: Any, data: st.DataObject) -> None:
    """Put something else in one place of a JSON value."""
    place = whole
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, trained_once) -> Studio:
    home = tmp_path_factory.mktemp("fuzz") / "home"
    shutil.copytree(trained_once.home, home)
    studio = Studio(home)
    studio.consent("anna", relation="self", who="Anna Weber", acts=ACTS)
    shelve(studio.registry, trained_once.adapter)
    return studio


@pytest.fixture(scope="module")
def client(house: Studio) -> TestClient:
    token = house.make_token("all", SCOPES)[1]
    app = build(house, Settings(per_minute=10**9))
    return TestClient(
        app, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {token}"}
    )


@pytest.fixture(scope="module")
def sent(house: Studio) -> bytes:
    return parcel.encoded(house.packed("anna@v1"))


@HARDLY
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]),
    path=st.lists(SEGMENT.map(lambda s: quote(s, safe="%")), max_size=8).map("/".join),
    query=QUERY,
    headers=HEADERS,
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_every_request_has_an_answer(client, house, method, path, query, headers, body):
    before = len(house.registry.releases.all())
    content = body if method in ("POST", "PUT") else None
    try:
        answer = client.request(method, f"/{path}", params=query, headers=headers, content=content)
    except (ValueError, httpx2.InvalidURL):
        # The client itself refuses to send it.
        return
    assert answer.status_code < 500, (method, path, query, headers, answer.text)
    assert len(house.registry.releases.all()) == before


@HARDLY
@given(
    route=st.sampled_from(
        [
            "/api/v1/models?{0}={1}",
            "/api/v1/models/{0}",
            "/api/v1/model-versions/{0}",
            "/api/v1/model-versions/by-hash/{0}",
            "/api/download/models/{0}",
            "/api/models/me/{0}/tree/{1}",
            "/me/anna/resolve/{0}/{1}",
            "/sosie/v1/releases/{0}",
            "/sosie/v1/releases/anna@v1/files/{0}",
        ]
    ),
    values=st.tuples(*[LATIN.filter(str.strip) | st.integers().map(str)] * 2),
)
def test_every_value_in_a_route_has_an_answer(client, route, values):
    answer = client.get(route.format(*(quote(value, safe="") for value in values)))
    assert answer.status_code < 500, answer.text


@HARDLY
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_parcel_is_refused(data):
    with pytest.raises(BadInput):
        parcel.opened(data)


@HARDLY
@given(data=st.data())
def test_a_parcel_of_which_anything_differs_is_refused(sent, data):
    whole = json.loads(sent)
    replace_one(whole, data)
    try:
        opened = parcel.opened(json.dumps(whole).encode())
    except BadInput:
        return
    # Other JSON, the same record.
    assert parcel.encoded(opened) == sent


@HARDLY
@given(data=st.data())
def test_who_holds_a_key_can_send_no_more_than_a_refusal(house, sent, data, tmp_path_factory):
    """Anything differs, and everything is signed anew."""
    whole = json.loads(sent)["parcel"]
    replace_one(whole, data)
    try:
        told = Parcel.model_validate_json(json.dumps(whole))
        key = house.registry.key()
        history = lambda person: tuple(  # noqa: E731
            Given(
                consent=one.consent,
                signatures=(rights.sign(key, one.consent.sha256(), role="trainer"),),
            )
            for one in person.history
        )
        people = tuple(
            person.model_copy(update={"history": history(person)}) for person in told.people
        )
        signature = rights.sign(key, told.release.sha256(), role="trainer")
        told = told.model_copy(update={"people": people, "signature": signature})
        seal = rights.sign(key, told.sha256(), role="trainer")
    except ValueError:
        # It is no parcel, or nothing that could be signed.
        return
    there = Studio(tmp_path_factory.mktemp("there"))
    with contextlib.suppress(SosieError):
        there.admit(parcel.encoded(Sent(parcel=told, seal=seal)))
    assert not there.registry.releases.all() and not there.registry.subjects()


def test_json_without_end_in_depth_is_refused():
    for opening in (b"[", b'{"parcel":'):
        with pytest.raises(BadInput):
            parcel.opened(opening * 1_000_000)
