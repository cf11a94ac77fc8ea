"""The workspace's certificates: made once, bound to its key, for its owner's eyes only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from sosie.core.errors import WorkspaceError
from sosie.rights import HOME_CHAIN, Chain, home_chain, home_key
from sosie.rights.certificates import authorities, public_key


def test_a_chain_is_made_once_for_its_owners_eyes(home: Path, chain: Chain) -> None:
    assert home_chain(home, home_key(home)) == chain
    assert stat.S_IMODE((home / HOME_CHAIN).stat().st_mode) == 0o600
    assert public_key(chain.root) == home_key(home).public != public_key(chain.leaf)


def test_the_key_of_the_workspace_vouches_for_what_signs(chain: Chain) -> None:
    leaf, root = map(load_pem_x509_certificate, (chain.leaf, chain.root))
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.not_valid_after_utc.year == root.not_valid_after_utc.year == 9999


def test_a_chain_of_another_key_or_a_spoiled_one_is_refused(chain: Chain, tmp_path: Path) -> None:
    whole = chain.private_key + chain.certificates
    (tmp_path / HOME_CHAIN).write_bytes(whole)
    for text in (whole, b"", whole[:-300], chain.certificates, b"x" + whole):
        (tmp_path / HOME_CHAIN).write_bytes(text)
        with pytest.raises(WorkspaceError, match="does not fit this workspace"):
            home_chain(tmp_path, home_key(tmp_path))


@given(st.binary(max_size=400), st.integers(0, 400))
def test_certificates_are_found_among_any_bytes(chain: Chain, noise: bytes, place: int) -> None:
    der = load_pem_x509_certificate(chain.root).public_bytes(Encoding.DER)
    leaf = load_pem_x509_certificate(chain.leaf).public_bytes(Encoding.DER)
    noise = noise.replace(b"\x30\x82", b"")
    assert authorities(noise[:place] + leaf + der + noise[place:]) == (chain.root,)
    assert authorities(noise) == ()
