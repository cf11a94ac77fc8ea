"""Ed25519 keys (RFC 8032): the one that a workspace makes for itself, and those that signers bring.

A key proves that two signatures are of one hand. Whose hand it is, it cannot prove.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sosie.core.errors import BadInput, NotFound, WorkspaceError
from sosie.core.files import as_workspace_error, sha256_bytes, write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

HOME_KEY = "key.pem"
"""The workspace's own private key, in its folder: PKCS #8, PEM, for its owner's eyes only."""


class Key:
    """A private key: it signs, and tells its public half."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw().hex()
        """The public key, 32 bytes as hexadecimal."""

    def sign(self, message: bytes) -> str:
        """The signature of `message`, 64 bytes as hexadecimal; equal messages give equal ones."""
        return self._private.sign(message).hex()

    def certify(self, builder: CertificateBuilder) -> Certificate:
        """The certificate that `builder` has prepared, signed."""
        return builder.sign(self._private, None)


def verified(public: str, signature: str, message: bytes) -> bool:
    """Whether `signature` is that of `message` by the public key `public` (both hexadecimal)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: str) -> str:
    """What a public key is called: the SHA-256 of its 32 bytes."""
    return sha256_bytes(bytes.fromhex(public))


def home_key(home: Path) -> Key:
    """The key of the workspace in `home`, made on first need: the caller sees to it that two do not
    make it at a time.

    Raises WorkspaceError if it cannot be read or written.
    """
    path = home / HOME_KEY
    if not path.exists():
        # Temporary files, and what they are renamed to, are for their owner's eyes only.
        write_atomically(path, _made())
    with as_workspace_error(path):
        try:
            return _parsed(path.read_bytes())
        except ValueError as error:
            raise WorkspaceError(
                f"{path} is no longer the key of this workspace: {error}.",
                advice="Restore it from a backup; a new one would be another hand.",
            ) from error


def read_key(path: Path) -> Key:
    """The private Ed25519 key in a file: PKCS #8 as PEM, or as `ssh-keygen -t ed25519` writes it.

    Raises NotFound if there is no file, BadInput if it holds no such key or asks for a password.
    """
    if not path.is_file():
        raise NotFound(f"There is no key file {path}.")
    try:
        return _parsed(path.read_bytes())
    except ValueError as error:
        raise BadInput(
            f"{path} cannot be signed with: {error}.",
            advice='Make a key with: ssh-keygen -t ed25519 -N "" -f anna.key',
        ) from error


def new_key(path: Path) -> Key:
    """A new key, written to `path` for its owner's eyes only.

    Raises BadInput if a file is there: it may be a key that nothing can replace.
    """
    if path.exists():
        raise BadInput(f"{path} exists, and may be a key.", advice="Name another file.")
    data = _made()
    write_atomically(path, data)
    return _parsed(data)


def _parsed(data: bytes) -> Key:
    """Raises ValueError saying what is wrong with the bytes."""
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        private = load(data, None)
    except TypeError:
        raise ValueError("it is locked with a password") from None
    except (InternalError, ValueError, UnsupportedAlgorithm):
        # InternalError: a key of another kind and of the wrong length.
        raise ValueError("it holds no private key") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("its key is not of the kind Ed25519")
    return Key(private)


def _made() -> bytes:
    """A new private key as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
