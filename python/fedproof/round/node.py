"""A client at work: its state machine, what must survive a crash, and its own audit log (spec/round.md §6)."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.files import lock_file, make_folder
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.at_rest import read_sealed, write_sealed
from fedproof.identity.signed import Signed
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment
from fedproof.round.answered import LIMIT, Answers
from fedproof.round.audit import AuditLog
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.client import Client
from fedproof.round.counter import Counter
from fedproof.round.masked_messages import AnyUpload, MaskedUpload
from fedproof.round.masker import Made
from fedproof.round.messages import Upload, Verdict
from fedproof.round.place import ANSWERS, AUDIT, PLACE, read_place, write_place
from fedproof.round.requests import answer, read_request, session_of
from fedproof.round.verify import Read, RoundReport

_LIMIT = 1 << 33


def why_left_out(report: RoundReport, name: str) -> str:
    """Why a client's update is in no sum; empty if it is in it."""
    listed = {d.client: f"{d.kind}: {d.reason}" for d in report.dropped}
    if name not in dict(report.participants):
        return "not announced"
    return listed.get(name, "void" if report.void else "")


def _purpose(what: str, upload: bytes) -> str:
    """upload: digest of its header."""
    return f"{what} {upload.hex()}"


class Node:
    """A client with a state folder. What it must remember is on the disk before its answer leaves. One process at a time has the
    folder, by a lock on the file `lock` in it until `close`: two would answer twice. Where it has a counter, whatever writes raises
    `Refused` (object "state folder", stage "chain") once one of them was set back."""

    def __init__(
        self,
        root: Path,
        client: Client,
        *,
        clock: Callable[[], float] = time.time,
        counter: Counter | None = None,
    ) -> None:
        """client: at the start of the federation; an earlier state in `root` replaces its place in the chain. clock: Unix seconds,
        this node's own: announcements far from it are refused. counter: outside the folder, so that a folder that was set back is
        noticed. Raises `Refused`, also for such a folder (object "state folder", stage "chain"), `Malformed`, and `UsageError` if
        another process has the folder."""
        self._clock = clock
        self._counter = counter
        make_folder(root)
        self._broken = False
        self._recorded: Callable[[], Exception | None] = lambda: None
        self._number = 0
        self._placed: int | None = None  # the round that the file has
        busy = f"another process has the state folder {printable(str(root))}"
        self._lock: int | None = lock_file(root / "lock", busy)
        try:
            self._open(root, client)
        except BaseException:
            self.close()
            raise

    def _open(self, root: Path, client: Client) -> None:
        for leftover in root.glob("*.tmp"):
            leftover.unlink()
        self._path = root / PLACE
        self._answers = root / ANSWERS
        self._upload = root / "upload.sealed"
        self._update = root / "update.sealed"
        self.client = client
        self.audit = AuditLog(root / AUDIT)
        self._load()

    def close(self) -> None:
        """Gives the folder back; a closed node answers nothing. A second call does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._lock is None:
            raise UsageError("the node is closed, and its folder may be another's; open it again")
        if self._broken:
            raise UsageError("a write of this node failed half-way; close it and open it again")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Where a write fails memory is ahead of the disk, and what it remembers would be lost: nothing more is said until the files were
        read again."""
        self._broken = True
        yield
        self._broken = False

    def ready(self, weight: int, *, attempt: int = 0) -> Signed:
        """Declares that this client will take part in the next round; the answer goes to the aggregator. weight: how much the update is
        to count, a whole number, say of training examples, from 1 to the policy's `update.weights.max`. attempt: the aggregator's
        (`Aggregator.attempt`), 0 unless it gave an attempt up. Raises `Refused` (object "ready", stage "policy") for a weight out of
        range, where all rounds of the policy are on record, or while this client is suspended; `UsageError` if the node is
        closed or its folder cannot be written. What was refused is in the audit log."""
        with self.on_record():
            signed = self.client.ready(weight, attempt=attempt)
            self._save()
        self.audit.append("ready", round=self.client.chain.round, attempt=attempt, weight=weight)
        return signed

    def upload(self, announcement: Signed, x: NDArray[np.int64]) -> AnyUpload:
        """The answer to an announcement, for the aggregator: commits to x, proves what the policy asks for, signs. x: one integer in units
        of 2^-scale for each parameter of the base model, in one dimension, as `node.client.update(weights)` makes it from trained
        weights. The same announcement again gets the same upload: a second one would be refused.

        Raises `Refused`, and the answer is not spent: an array of another shape or type (object "update", stage "shape", "statement"),
        x beyond the policy's bounds ("bounded update", "witness"), an announcement against policy, roster, chain or clock
        ("announcement", "ready", "roster"). What was refused is in the audit log. Raises `UsageError` if the node is closed or its
        folder cannot be written."""
        with self.on_record():
            x = self.client.check_update(x)
            checked = self.client.check(announcement, now=int(self._clock()))
            upload = self._earlier(checked.digest())
            if upload is not None:
                self._save()  # it may be there because saving failed after it was made
                return upload
            upload = self.client.answer(checked, x)
            key, header, data = self.client.key, upload.header.digest(), upload.to_bytes()
            with self._writing():
                if isinstance(upload, MaskedUpload):  # one in clear holds it
                    write_sealed(self._update, x.astype("<i4").tobytes(), key, _purpose("update", header))
                write_sealed(self._upload, data, key, _purpose("upload", header))
            self._save()
        self.audit.append("upload", round=self.client.chain.round, header=header.hex(), bytes=len(data))
        return upload

    def _earlier(self, session: bytes) -> AnyUpload | None:
        """The upload that answered this announcement before a crash, if one did. Raises `Refused` where the file is not what this client
        kept for it."""
        header = self.client.header_of(session)
        if header is None or not self._upload.exists():
            return None
        kind = MaskedUpload if self.client.chain.policy.masking.enabled else Upload
        data = read_sealed(self._upload, self.client.key, _purpose("upload", header), limit=_LIMIT)
        return kind.from_bytes(data, limit=_LIMIT)

    def answer(self, data: bytes) -> bytes:
        """The answer to a request of a masked round whose uploads are in (`Aggregator.next_requests`), for the aggregator. Raises `Refused`
        for what this client must not say or open, `Malformed` for what is no request; what was refused is in the audit log. Raises
        `UsageError` if the node is closed or its folder cannot be written."""
        with self.on_record():
            request = read_request(data)
            if isinstance(request, FingerprintRequest):
                self._bring_upload_back(request.session)
            answered = answer(self.client, request)
            self._save()
        self.audit.append("answered", request=request.KIND, session=session_of(request).hex())
        return answered

    def _bring_upload_back(self, session: bytes) -> None:
        """For the one exchange that is about it."""
        masker = self.client.masker_of(session)
        upload = self._earlier(session) if masker.made is None else None
        if isinstance(upload, MaskedUpload):
            chain = self.client.chain
            d = len(chain.W)
            purpose = _purpose("update", upload.header.digest())
            opened = read_sealed(self._update, self.client.key, purpose, limit=4 * d)
            values = np.frombuffer(opened, "<i4").astype(np.int64)
            commitment = Commitment(chain.suite, shape(d), upload.points)
            masker.made = Made(commitment, values, upload.masked, upload.blinds)

    def verdict(self, signed: Signed) -> Verdict:
        """Reads the aggregator's receipt for the upload that this client made, and remembers it: `accepted`, or else `subject`, `stage` and
        `reason`. An upload that was not accepted raises nothing. Raises `Refused` for a receipt that the aggregator did not sign (stage
        "signature") or that is about another upload (object "verdict", stage "statement"), `Malformed` where it cannot be read,
        `UsageError` if the node is closed or its folder cannot be written. What was refused is in the audit log."""
        with self.on_record():
            verdict = self.client.verdict(signed)
            self._save()
        self.audit.append("verdict", accepted=verdict.accepted, reason=verdict.reason)
        return verdict

    def adopt(self, entry: bytes, read: Read) -> RoundReport:
        """Checks the record of a round completely, then moves this client's base model on. entry: the log's bytes (`Closed.entry`). read:
        gives the blob of a SHA-256, what it is, and how many bytes it may have (`Aggregator.read`); nobody has to trust it.

        Raises `Refused` where a check fails, also where the record contradicts what this client did or was told (object "result"), and
        `Malformed` where something cannot be read; the model then stays as it is, and the good record can still be adopted. What was
        refused is in the audit log. Raises `UsageError` if the node is closed or its folder cannot be written."""
        with self.on_record():
            try:
                report = self.client.adopt(entry, read)
            finally:
                self._save()  # where it was refused, too: the round may be over
        self._forget_upload()  # not before: while the round is open it is the one answer
        self.audit.append(
            "adopted",
            round=report.round,
            void=report.void,
            left_out=why_left_out(report, self.client.name),
            model=self.client.chain.state.weights.hex(),
        )
        return report

    @contextmanager
    def on_record(self) -> Iterator[None]:
        """What is refused within it is in the audit log, once, and why."""
        self._check_open()
        try:
            yield
        except (Refused, Malformed) as error:
            if self._recorded() is not error:
                self.audit.append("refused", what=str(error)[:1000])
                # A reference would keep the frames that raised it, and so the clear values.
                self._recorded = weakref.ref(error)
            raise

    def _purpose_of(self, what: str) -> str:
        """Of what is one for the whole federation."""
        return f"node {what} {self.client.chain.policy.federation}"

    def _forget_upload(self) -> None:
        for path in (self._upload, self._update):
            path.unlink(missing_ok=True)

    def _save(self) -> None:
        """The place first: of what was answered before it nothing binds. The counter goes on before the answer leaves, and not before the
        file is there."""
        with self._writing():
            chain = self.client.chain
            if self._placed != chain.round:
                write_place(self._path, chain, self.client.key, self._purpose_of("place"))
                self._placed = chain.round
            self._check_count()
            self._number += 1
            data = Answers.of(self.client, self._number, counted=self._counter is not None).to_bytes()
            if len(data) > LIMIT:
                raise UsageError(
                    f"{len(data)} bytes to remember of one round, at most {LIMIT} can be read again"
                )
            write_sealed(self._answers, data, self.client.key, self._purpose_of("answers"))
            if self._counter is not None:
                self._counter.advance(self._number)

    def _load(self) -> None:
        """Raises `Refused` for files of different times, of which one was set back."""
        client = self.client
        if self._path.exists():
            place = read_place(self._path, client.key, self._purpose_of("place"))
            client.chain = place.restore(client.chain)
            self._placed = client.chain.round
        if self._answers.exists():
            data = read_sealed(self._answers, client.key, self._purpose_of("answers"), limit=LIMIT)
            answers = Answers.from_bytes(data, limit=LIMIT)
            if client.chain.round < answers.round:
                detail = f"{PLACE} stands at round {client.chain.round}, {ANSWERS} at {answers.round}: it was set back"
                raise Refused("state folder", "chain", detail, party=client.name)
            self._number = answers.number
            answers.restore(client)
            self._take_up_counter(answers.counted)
        else:
            self._take_up_counter(False)
        if not any(said.header for said in client.attempts.values()):
            self._forget_upload()  # a kill left it before its header was kept, or after the round was adopted

    def _check_count(self) -> None:
        """Also while this process is at work: the machine may have been set back with its memory."""
        if self._counter is not None and self._counter.read() != self._number:
            detail = f"remembers {self._number} answers, the counter {self._counter.read()}: one of them was set back"
            raise Refused("state folder", "chain", detail, party=self.client.name)

    def _take_up_counter(self, counted: bool) -> None:
        """counted: whether the folder's last writer had a counter. A kill leaves it one behind. Then the folder is written once before
        anything is answered: else a write that was never counted could take the place of one with its number that was."""

        def refuse(detail: str) -> Refused:
            return Refused("state folder", "chain", detail, party=self.client.name)

        if self._counter is None:
            if counted:
                raise refuse("a counter goes with the folder, and none is given")
            return
        told, number = self._counter.read(), self._number
        if number < told:
            raise refuse(f"remembers {number} answers, the counter {told}: the folder was set back")
        if counted and told < number - 1:
            raise refuse(
                f"remembers {number} answers, the counter {told}: it is another counter, or was set back"
            )
        if told < number:
            self._counter.advance(number)
        self._save()
