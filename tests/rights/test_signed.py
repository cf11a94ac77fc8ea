from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.rights import home_key, parsed, read_key, sign

ABOUT = "ab" * 32


def test_a_home_keeps_its_key_and_shows_it_to_nobody_else(tmp_path: Path) -> None:
    key = home_key(tmp_path)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert home_key(tmp_path).public == key.public
    other = tmp_path / "other"
    other.mkdir()
    assert home_key(other).public != key.public


def test_a_damaged_key_is_never_replaced_by_another(tmp_path: Path) -> None:
    home_key(tmp_path)
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n!\n")
    with pytest.raises(WorkspaceError, match="another hand"):
        home_key(tmp_path)


def test_equal_things_are_signed_equally(tmp_path: Path) -> None:
    key = home_key(tmp_path)
    one, two = (sign(key, ABOUT, role="trainer") for _ in range(2))
    assert one == two and one.holds()
    assert parsed(one.canonical()) == one


@pytest.mark.parametrize(
    "change",
    [
        {"about": "cd" * 32},
        {"role": "subject"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"public_key": "00" * 32},
        {"signature": "00" * 64},
    ],
)
def test_whatever_is_exchanged_the_signature_no_longer_holds(
    change: dict[str, object], tmp_path: Path
) -> None:
    signature = sign(home_key(tmp_path), ABOUT, role="trainer")
    assert not signature.model_copy(update=change).holds()


def test_another_hand_cannot_sign_in_ones_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    own, other = home_key(tmp_path), home_key(tmp_path / "other")
    forged = sign(other, ABOUT, role="trainer").model_copy(update={"public_key": own.public})
    assert not forged.holds()


def test_a_key_of_ssh_signs_too(tmp_path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "anna")]
    try:
        subprocess.run(words, check=True)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed")
    assert sign(read_key(tmp_path / "anna"), ABOUT, role="subject").holds()
    with pytest.raises(BadInput, match="holds no private key"):
        read_key(tmp_path / "anna.pub")


def test_other_keys_are_refused_by_name(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    curve = generate_private_key(SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "curve.pem").write_bytes(pem)
    with pytest.raises(BadInput, match="not of the kind Ed25519"):
        read_key(tmp_path / "curve.pem")
    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    with pytest.raises(BadInput, match="password"):
        read_key(tmp_path / "locked.pem")
    with pytest.raises(NotFound):
        read_key(tmp_path / "absent.pem")


@given(st.binary() | st.text().map(str.encode))
def test_whatever_is_no_signature_is_read_as_none(data: bytes) -> None:
    assert parsed(data) is None


@given(st.data())
def test_a_signature_with_one_character_changed_does_not_hold(data: st.DataObject) -> None:
    text = _SIGNED
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[place]))
    changed = parsed(text[:place] + other + text[place + 1 :])
    assert changed is None or not changed.holds()


def _signed() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sosie.rights import Key

    at = datetime(2026, 5, 1, tzinfo=UTC)
    key = Key(Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    return sign(key, ABOUT, role="guardian", at=at).canonical().decode()


_SIGNED = _signed()
