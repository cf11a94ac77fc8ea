"""The workspace's own certificates (X.509, RFC 5280): they bind what signs pictures to its key.

The key of the workspace (keys.py) certifies, once, a second key that signs pictures and nothing
else. No public authority vouches for it: a stranger's program calls the signature valid and its
signer unknown. Neither certificate ends, because nobody offline could date a signature, and one
whose certificate has ended counts for nothing (C2PA 2.2, §10.3.2.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import WorkspaceError
from sosie.core.files import as_workspace_error, write_atomically
from sosie.rights.keys import Key, fingerprint

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Name

HOME_CHAIN = "credentials.pem"
"""In the workspace: the private key that signs pictures, its certificate, and that of the key of
the workspace. For its owner's eyes only."""

ENDLESS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""What RFC 5280, §4.1.2.5, writes for "without end"."""
_ALLOWANCE = timedelta(days=1)
"""Clocks that are behind by less do not take a certificate for one of the future."""

_KEY, _CERTIFICATE = b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Chain:
    """What signs pictures, each part as PEM."""

    private_key: bytes
    leaf: bytes
    root: bytes

    @property
    def certificates(self) -> bytes:
        return self.leaf + self.root


def home_chain(home: Path, key: Key) -> Chain:
    """The chain of the workspace in `home`, whose key is `key`, made on first need: the caller sees
    to it that two do not make it at a time.

    Raises WorkspaceError if it cannot be read or written, or was made for another key.
    """
    path = home / HOME_CHAIN
    if not path.exists():
        made = _made(key)
        # Temporary files, and what they are renamed to, are for their owner's eyes only.
        write_atomically(path, made.private_key + made.certificates)
    with as_workspace_error(path):
        text = path.read_bytes()
    try:
        chain = _parsed(text)
        if public_key(chain.root) != key.public:
            raise ValueError("it is of another key")
    except ValueError as error:
        raise WorkspaceError(
            f"{path} does not fit this workspace: {error}.",
            advice="Move it away: the next picture makes another.",
        ) from error
    return chain


def public_key(certificate: bytes) -> str:
    """The Ed25519 key that a certificate (PEM) is of, as hexadecimal. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.x509 import load_pem_x509_certificate

    key = load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("its key is not of the kind Ed25519")
    return key.public_bytes_raw().hex()


def authorities(data: bytes) -> tuple[bytes, ...]:
    """The certificates of Ed25519 keys that may certify others, as PEM, wherever in `data` they
    lie: candidates, of which nothing is proved.
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate

    found, place = [], 0
    while (place := data.find(b"\x30\x82", place)) >= 0:
        length = 4 + int.from_bytes(data[place + 2 : place + 4], "big")
        try:
            pem = load_der_x509_certificate(data[place : place + length]).public_bytes(Encoding.PEM)
            if _may_certify(pem):
                found.append(pem)
        except ValueError:
            place += 2
        else:
            place += length
    return tuple(dict.fromkeys(found))


def _may_certify(pem: bytes) -> bool:
    from cryptography.x509 import BasicConstraints, load_pem_x509_certificate

    certificate = load_pem_x509_certificate(pem)
    public_key(pem)
    found = [e.value for e in certificate.extensions if isinstance(e.value, BasicConstraints)]
    return any(constraints.ca for constraints in found)


def _parsed(text: bytes) -> Chain:
    """Raises ValueError saying what is wrong with the bytes."""
    key, *certificates = text.split(_CERTIFICATE)
    if not key.startswith(_KEY) or len(certificates) != 2:
        raise ValueError("it is not a key with two certificates")
    leaf, root = (_CERTIFICATE + certificate for certificate in certificates)
    return Chain(key, leaf, root)


def _made(key: Key) -> Chain:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = Ed25519PrivateKey.generate()
    root_name = _name(f"Sosie workspace {fingerprint(key.public)[:16]}")
    leaf_name = _name(f"Pictures of Sosie workspace {fingerprint(key.public)[:16]}")
    root = _certificate(key, root_name, root_name, key.public, authority=True)
    public = private.public_key().public_bytes_raw().hex()
    leaf = _certificate(key, leaf_name, root_name, public, authority=False)
    return Chain(
        private_key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        leaf=leaf.public_bytes(Encoding.PEM),
        root=root.public_bytes(Encoding.PEM),
    )


def _certificate(
    key: Key, subject: Name, issuer: Name, public: str, *, authority: bool
) -> Certificate:
    """A certificate by `key`, as C2PA 2.2, §14.5.1, asks for: its uses are critical or named."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.x509.oid import ExtendedKeyUsageOID

    held = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    holder = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    usage = x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(held)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _ALLOWANCE)
        .not_valid_after(ENDLESS)
        .add_extension(x509.BasicConstraints(authority, 0 if authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(held), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(holder), critical=False)
    )
    if not authority:
        # C2PA's own purpose is known to few readers yet; this one is known to all.
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return key.certify(builder)


def _name(common: str) -> Name:
    from cryptography.x509 import Name, NameAttribute
    from cryptography.x509.oid import NameOID

    # C2PA asks for an organization; a workspace is none, and says what it is.
    return Name([
        NameAttribute(NameOID.ORGANIZATION_NAME, "Sosie workspace"),
        NameAttribute(NameOID.COMMON_NAME, common),
    ])  # fmt: skip
