"""Signatures are shown as b4 finds them: a patatt key made here, DKIM without DNS, tampering."""

from __future__ import annotations

import os
import re
from pathlib import Path

import patatt
import pytest
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

from tests.support.cli import run_cli
from tests.support.public_inbox import PublicInbox
from tests.support.require import require

BODY = (
    "Why.\n\nSigned-off-by: Ada <ada@example.org>\n---\ndiff --git a/f b/f\n"
    "index 1111111..2222222 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new\n-- \n2.39\n"
)


def make_mail(name: str, *headers: str) -> bytes:
    head = (
        "From: Ada <ada@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 +0000\n"
        f"Message-ID: <{name}.123456@example.org>\nSubject: [PATCH] fs: change {name}\n"
    )
    return (head + "".join(f"{header}\n" for header in headers) + "\n" + BODY).encode()


@pytest.fixture
def signed(tmp_path: Path) -> dict[str, bytes]:
    """Mails of every kind; the keyring with the public key is the one b4 is told of."""
    key = SigningKey.generate()
    raw = make_mail("signed")
    mail = patatt.sign_message(
        raw, "ed25519", key.encode(Base64Encoder), "ada@example.org", "default"
    )
    keyring = tmp_path / "keyring"
    path = keyring / patatt.make_pkey_path("ed25519", "ada@example.org", "default")
    path.parent.mkdir(parents=True)
    path.write_bytes(key.verify_key.encode(Base64Encoder))
    settings = Path(os.environ["GIT_CONFIG_GLOBAL"])
    with settings.open("a") as config:
        config.write(f"[b4]\n\tkeyringsrc = {keyring}\n")
    stranger = patatt.sign_message(
        make_mail("stranger").replace(b"ada@", b"eve@"), "ed25519",
        SigningKey.generate().encode(Base64Encoder), "eve@example.org", "default",
    )  # fmt: skip
    return {
        "signed": mail,
        "tampered": mail.replace(b"+new", b"+bad").replace(b"signed.123456", b"tampered.123456"),
        "stranger": stranger,
        "unsigned": make_mail("unsigned"),
        "dkim": make_mail("dkim", "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; b=AA=="),
    }


NO_DNS = """
import dns.resolver
def _none(*args, **kwargs):
    raise dns.resolver.LifetimeTimeout(timeout=1, errors=[])
dns.resolver.resolve = _none
"""

EXPECTED = {
    "signed": "signed",
    "tampered": "badsig",
    "stranger": "nokey",
    "unsigned": "none",
    "dkim": "not checked",
}


def attestation(name: str, url: str) -> dict[str, str]:
    ran = run_cli("review", f"{name}.123456@example.org", "--lore", url, "--json", prelude=NO_DNS)
    assert ran.code == 3, ran.err
    patches = [patch for r in ran.document["revisions"] for patch in r["patches"]]
    (own,) = [patch for patch in patches if patch["message_id"].startswith(name)]
    found: dict[str, str] = own["attestation"]
    return found


def test_each_kind_of_signature(signed: dict[str, bytes], tmp_path: Path) -> None:
    require("public-inbox-httpd")
    server = PublicInbox(tmp_path / "inbox")
    server.add("list", list(signed.values()))
    home = Path(os.environ["HOME"])
    before = {p for p in home.rglob("*") if "patchbot" not in p.parts}
    with server:
        url = server.inbox_url("list")
        found = {name: attestation(name, url) for name in EXPECTED}
        again = {name: attestation(name, url) for name in EXPECTED}
    assert {name: a["status"] for name, a in found.items()} == EXPECTED
    assert again == found
    assert re.search("ada@example.org", found["signed"]["identity"])
    assert found["dkim"]["reason"] == "no network"
    assert {p for p in home.rglob("*") if "patchbot" not in p.parts} == before


def test_files_are_not_checked(signed: dict[str, bytes], tmp_path: Path) -> None:
    for name, expected in (("signed", "not checked"), ("unsigned", "none")):
        path = tmp_path / f"{name}.eml"
        path.write_bytes(signed[name])
        document = run_cli("review", path, "--json").document
        assert document["revisions"][0]["patches"][0]["attestation"]["status"] == expected
