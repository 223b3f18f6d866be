"""Flower in one process: a grid whose nodes are ClientApps, or anything else that answers a message or does not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

from fedproof.flower import proof_mod
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.provision import provision
from tests.round.world import BASE_FILE, POLICY

Answering = Callable[[Message], Message | None]


def be_a_server() -> None:
    """Messages can be made in this process from now on, as in a ServerApp's."""
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1


def initial() -> ArrayRecord:
    """The base model of `tests.round.world` as nodes have it, in units of the policy's scale."""
    arrays = Chain.start(Policy.parse(POLICY), BASE_FILE).arrays()
    return ArrayRecord({name: Array(array) for name, array in arrays.items()})


def app(train: Callable[[ArrayRecord], ArrayRecord] | None = None, *, examples: object = 10) -> ClientApp:
    """A client as Flower's users write it: it adds 1/32 to every weight, or what `train` does."""
    client = ClientApp(mods=[proof_mod])

    @client.train()
    def _train(message: Message, context: Context) -> Message:
        arrays = message.content["arrays"]
        new = train(arrays) if train else shifted(arrays, 1 / 32)
        metrics = MetricRecord({"num-examples": examples, "loss": 0.5})
        return Message(RecordDict({"arrays": new, "metrics": metrics}), reply_to=message)

    @client.evaluate()
    def _evaluate(message: Message, context: Context) -> Message:
        largest = float(np.abs(message.content["arrays"]["b"].numpy()).max())
        metrics = MetricRecord({"num-examples": examples, "largest": largest})
        return Message(RecordDict({"metrics": metrics}), reply_to=message)

    return client


def shifted(arrays: ArrayRecord, by: float) -> ArrayRecord:
    """All weights, larger by so much."""
    return ArrayRecord({n: Array((a.numpy() + by).astype(a.numpy().dtype)) for n, a in arrays.items()})


@dataclass
class World:
    """A federation's folder and a grid. answering: what each node does with a message; tests put others there. sent: all messages.
    simulated: nodes have partitions, not folders of their own."""

    folder: Path
    answering: dict[int, Answering] = field(default_factory=dict)
    sent: list[Message] = field(default_factory=list)
    simulated: bool = False
    counters: dict[int, Path] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, *, nodes: int = 3, policy: str = POLICY, simulated: bool = False) -> World:
        """Nodes 1000, 1001, …, all honest."""
        folder = root / "federation"
        provision(folder, policy=policy.encode(), base=BASE_FILE, nodes=nodes)
        world = cls(folder, simulated=simulated)
        for k in range(nodes):
            world.answering[1000 + k] = world.node(k, app())
        return world

    def node(self, k: int, client: ClientApp) -> Answering:
        """A SuperNode with the folder of node k, which runs `client`."""

        def answer(message: Message) -> Message | None:
            own = {"partition-id": k} if self.simulated else {"fedproof": str(self.folder / "nodes" / str(k))}
            if k in self.counters:
                own["fedproof-counter"] = str(self.counters[k])
            context = Context(
                run_id=1,
                node_id=message.metadata.dst_node_id,
                node_config=own,
                state=RecordDict(),
                run_config={},
            )
            try:
                return client(message, context)
            except Exception as error:  # as a SuperNode does
                return Message(Error(code=3, reason=str(error)), reply_to=message)

        return answer

    def context(self, **config: object) -> Context:
        """The ServerApp's."""
        run_config = {"fedproof": str(self.folder), **config}
        return Context(run_id=1, node_id=1, node_config={}, state=RecordDict(), run_config=run_config)

    def grid(self) -> MemoryGrid:
        return MemoryGrid(self)


class MemoryGrid(Grid):
    """Answers when it is asked for replies."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = count(1)
        self._waiting: dict[str, Message] = {}
        be_a_server()

    def set_run(self, run: object) -> None:
        raise NotImplementedError("no strategy asks for it")

    @property
    def run(self) -> object:
        raise NotImplementedError("no strategy asks for it")

    def create_message(self, *args: object, **kwargs: object) -> Message:
        raise NotImplementedError("no strategy asks for it")

    def get_node_ids(self) -> Iterable[int]:
        return list(self._world.answering)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        ids = []
        for message in messages:
            message.metadata.__dict__["_message_id"] = f"message-{next(self._numbers)}"
            self._world.sent.append(copy.deepcopy(message))
            self._waiting[message.metadata.message_id] = message
            ids.append(message.metadata.message_id)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        replies = []
        for name in message_ids:
            message = self._waiting.pop(name, None)
            if message is None:
                continue
            reply = self._world.answering[message.metadata.dst_node_id](copy.deepcopy(message))
            if reply is not None:
                replies.append(reply)
        return replies

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))
