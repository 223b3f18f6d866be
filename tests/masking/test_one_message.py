"""What one message of a dishonest client, in a form that is still good, could do to everybody else's round."""

from __future__ import annotations

import pytest

from fedproof.errors import Refused
from fedproof.identity.signed import sign
from fedproof.round.masked_messages import MAX_SHARING
from fedproof.round.messages import UploadHeader
from tests.masking.world import ALL, MaskedWorld, key_of, reader
from tests.round.world import NOW

LIAR = ALL[1]


def refused(stage: str, match: str):
    return pytest.raises(Refused, match=f"refused at {stage}: .*{match}")


# --- exchange A ----------------------------------------------------------------------------------------------------


def test_a_sharing_that_no_record_can_hold():
    """It fails, and everybody must see it fail: a sharing longer than whoever reads the record takes would make a record of which nobody
    moves on. It stands against nobody instead."""
    world = MaskedWorld.announced(8)
    upload = world.upload(LIAR)
    sharing = upload.sharing.model_copy(update={"self_commitments": bytes(2 * MAX_SHARING)})
    header = UploadHeader.from_bytes(upload.header.payload)
    signed = sign(header.model_copy(update={"sharing": sharing.digest()}), key_of(LIAR))
    long = upload.model_copy(update={"sharing": sharing, "header": signed})
    with refused("shape", "bytes of sharing"):
        world.server.receive(long.to_bytes())
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    assert not world.verified(closed).void
    world.clients[ALL[0]].adopt(closed.entry, reader(closed))
