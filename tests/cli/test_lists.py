"""Revocation lists from servers that are slow, broken, or another authority's."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from fedproof.cli import lists
from fedproof.data.certificate import RevocationList
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.signed import sign
from fedproof.identity.training_trust import Authority, TrainingTrust

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that sends these bytes to whoever asks, with a pause after each piece; gives its address."""
    over, sockets = Event(), []

    def start(*pieces: bytes, pause: float = 0.0) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def run() -> None:
            try:
                while True:
                    client, _ = listening.accept()
                    with client:
                        client.recv(1 << 16)
                        for piece in pieces:
                            client.sendall(piece)
                            over.wait(pause)
            except OSError:
                pass  # closed at the end of the test, or by a client that had enough

        Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/list.cbor"

    yield start
    over.set()
    for listening in sockets:
        listening.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"no status line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_answer_of_a_server(serve: Serve, answer: bytes) -> None:
    with pytest.raises(Malformed, match="cannot fetch"):
        lists.fetch_list(serve(answer))


def test_a_redirect_leads_to_no_other_protocol(serve: Serve) -> None:
    """Nobody is asked there."""
    answer = b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:1/list.cbor\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(Malformed, match="it leads to ftp"):
        lists.fetch_list(serve(answer))


def test_a_server_that_never_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_DEADLINE", 0.5)
    address = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"x"] * 999, pause=0.1)
    start = time.monotonic()
    with pytest.raises(Malformed, match=r"after 0\.5 seconds"):
        lists.fetch_list(address)
    assert time.monotonic() - start < 10


def test_an_address_is_one_authoritys(serve: Serve) -> None:
    keys = {name: SigningKey.generate() for name in ("ministry", "bureau")}
    signed = {
        name: sign(RevocationList(authority=name, number=1, issued=1, serials=(), records=()), key).to_bytes()
        for name, key in keys.items()
    }

    def trust(of: str) -> TrainingTrust:
        address = serve(b"HTTP/1.0 200 OK\r\n\r\n" + signed[of])
        authorities = {
            "ministry": Authority(keys["ministry"].verify_key, address),
            "bureau": Authority(keys["bureau"].verify_key),
        }
        return TrainingTrust("hospital", EnvelopeKey.generate().verify_key, authorities)

    assert [one.authority for one in lists.newer_lists([], True, trust("ministry"))] == ["ministry"]
    with pytest.raises(Refused) as caught:
        lists.newer_lists([], True, trust("bureau"))
    assert (caught.value.subject, caught.value.stage) == ("revocation list", "trust")
