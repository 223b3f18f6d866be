"""Messages to nodes and their replies, as they come: what a reply is for is done before the next one is fetched, so that the server holds a
few of them at a time, however many nodes there are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid
from google.protobuf.message import DecodeError

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, DecodeError)
"""What Flower raises where the bytes of a reply are no message; who answered chose them. A SuperLink that is away raises others."""
PAUSE = 0.2
"""Seconds between two times that the SuperLink is asked for what is not there yet."""


def wait_for_nodes(grid: Grid, least: int, seconds: float) -> int:
    """Returns how many are connected, as soon as it is at least `least`. Raises `UsageError` after `seconds`: Flower itself would wait
    for ever."""
    end = time.monotonic() + seconds
    while (connected := len(list(grid.get_node_ids()))) < least:
        if time.monotonic() > end:
            raise UsageError(
                f"too few nodes: {connected} of at least {least} connected within {seconds:.0f} s;"
                " start more SuperNodes, or lower the strategy's min_available_nodes"
            )
        time.sleep(PAUSE)
    return connected


def replies(
    grid: Grid, messages: Sequence[Message], seconds: float
) -> Iterator[tuple[int, Message | Malformed]]:
    """Sends, and yields (node, reply) as replies come, until all are there or `seconds` are over. messages: those that come to be in it
    meanwhile are sent, too. A message that Flower does not take, or that nobody answers in time, yields nothing; a reply that Flower
    cannot read yields why.

    Each is asked for by itself: where Flower cannot read one, it loses all that it fetched with it. And a reply counts as that of the node
    that was asked, to the message that was asked about, whatever it says itself."""
    nodes: dict[str, int] = {}
    end, pushed = time.monotonic() + seconds, 0
    while True:
        if pushed < len(messages):
            new, pushed = messages[pushed:], len(messages)
            sent = set(grid.push_messages(new))
            nodes |= {
                m.metadata.message_id: m.metadata.dst_node_id for m in new if m.metadata.message_id in sent
            }
        if not nodes or time.monotonic() >= end:
            return
        before = len(nodes)
        for sent_id, node in list(nodes.items()):
            for reply in _pull(grid, sent_id):
                del nodes[sent_id]
                yield node, reply
        if len(nodes) == before:
            time.sleep(PAUSE)


def _pull(grid: Grid, sent_id: str) -> list[Message | Malformed]:
    """The reply to a message, or why there is none; nothing while it is not there yet."""
    try:
        found = list(grid.pull_messages([sent_id]))
    except _UNREADABLE as error:
        return [Malformed(f"Flower cannot read the reply: {type(error).__name__}: {printable(str(error))}")]
    for reply in found:
        if reply.metadata.reply_to_message_id == sent_id:
            return [reply]
    return [Malformed("answers another message than the one that it was sent")] if found else []


def message(like: Message, content: RecordDict, group: str) -> Message:
    """A message to the same node, of the same type, with another content."""
    meta = like.metadata
    return Message(content, meta.dst_node_id, meta.message_type, group_id=group)
