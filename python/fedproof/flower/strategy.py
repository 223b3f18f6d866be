"""The server's side: a Flower strategy around another one."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result, Strategy

import fedproof
from fedproof.encoding.text import counted, printable
from fedproof.errors import UsageError
from fedproof.flower.arrays import record_of
from fedproof.flower.dry_run import dry_run
from fedproof.flower.exchange import wait_for_nodes
from fedproof.flower.hooks import Hook
from fedproof.flower.metrics import alike
from fedproof.flower.mod import CONFIG
from fedproof.flower.round import Conversation
from fedproof.flower.summary import RoundSummary
from fedproof.flower.supported import check_strategy
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.trust import Trust
from fedproof.provenance.release import BUNDLE, MODEL, release
from fedproof.provenance.statement import Producer
from fedproof.round.aggregator import Aggregator
from fedproof.round.folder import ENVELOPE_KEY, POLICY, RELEASE, TRUST, open_aggregator

_log = logging.getLogger("flwr")

DRY_RUN, DRY_POLICY = "fedproof-dry-run", "fedproof-dry-policy"
"""In the run's configuration: the folder of a dry run, and the policy to whose bounds it clips."""

Evaluate = Callable[[int, ArrayRecord], MetricRecord | None]


class Proved(Strategy):
    """Has every update proved, sums only what is, and leaves a certified model: `Proved(FedAvg(…), context)`.

    The wrapped strategy still samples nodes, configures training and evaluation, and adds up metrics. What becomes of the updates is the
    policy's to say. `rounds` tells of every round of this run who was accepted, and why others were not.
    """

    def __init__(
        self, strategy: FedAvg, context: Context, *, wait: float = 120.0, hooks: Sequence[Hook] = ()
    ) -> None:
        """strategy: FedAvg, FedProx, FedAvgM, FedAdagrad, FedAdam or FedYogi; a subclass may configure rounds in its own way. context: the
        ServerApp's; its run configuration names the federation's folder under `fedproof`, or, for a run without proofs that measures
        updates, another under `fedproof-dry-run` (`dry_run`). wait: seconds until too few nodes are an error. hooks: called after every
        round (`hooks`). Raises `UsageError` where neither folder is named."""
        folder, dry, policy = (context.run_config.get(key) for key in (CONFIG, DRY_RUN, DRY_POLICY))
        self.dry_folder = Path(dry).expanduser() if isinstance(dry, str) and dry else None
        self.dry_policy = Path(policy).expanduser() if isinstance(policy, str) and policy else None
        if self.dry_folder is not None:
            folder = ""
        elif not isinstance(folder, str) or not folder:
            raise UsageError(
                f"the run's configuration names no federation folder: set {CONFIG} = \"/its/folder\" in the app's"
                " [tool.flwr.app.config]; flwr run --run-config only overrides what stands there"
            )
        self.strategy = strategy
        self.folder = Path(folder).expanduser() / "server"
        self.wait = wait
        self.hooks = hooks
        self.rounds: list[RoundSummary] = []

    def summary(self) -> None:
        """Logs what the wrapped strategy and the policy ask for."""
        self.strategy.summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """As the wrapped strategy."""
        return self.strategy.configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Not in use: `start` sums what was proved. Raises `UsageError`."""
        raise UsageError("Proved sums updates in its own `start`; nothing else may")

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """As the wrapped strategy."""
        return self.strategy.configure_evaluate(server_round, arrays, config, grid)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """As the wrapped strategy."""
        return self.strategy.aggregate_evaluate(server_round, replies)

    def start(
        self,
        grid: Grid,
        initial_arrays: ArrayRecord,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: ConfigRecord | None = None,
        evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Evaluate | None = None,
    ) -> Result:
        """Runs the rounds that are not on record yet, up to `num_rounds`; then, once as many are on record as the policy asks for, writes
        `release/` in the server's folder: model, bundle and certificate. Arguments and result as of Flower's strategies;
        `initial_arrays` only has to have the base model's names and shapes, since training starts from the base model that the policy
        names.

        Raises `UsageError` for a strategy, model or folder that does not fit, and if too few nodes connect; `Refused` where the record
        contradicts itself, or no node is ready for a round."""
        if self.dry_folder is not None:

            def plain(strategy: Strategy) -> Result:
                configs = train_config, evaluate_config
                return strategy.start(grid, initial_arrays, num_rounds, timeout, *configs, evaluate_fn)

            wait_for_nodes(grid, self.strategy.min_available_nodes, self.wait)
            return dry_run(self.strategy, self.dry_folder, initial_arrays, self.dry_policy, plain)
        if not self.folder.is_dir():
            where = printable(str(self.folder.absolute()))
            raise UsageError(
                f"no federation folder: {where} is not there; {CONFIG} in the run's configuration names the folder that"
                " fedproof provision made, by its absolute path"
            )
        with open_aggregator(self.folder) as aggregator:
            check_strategy(self.strategy, aggregator.chain.policy)
            _check_model(aggregator, initial_arrays)
            _check_rounds(aggregator, num_rounds)
            run = _Run(self, aggregator, grid, timeout, evaluate_fn)
            result = run.all(num_rounds, train_config or ConfigRecord(), evaluate_config or ConfigRecord())
            self._release_if_complete(aggregator)
        for line in io.StringIO(str(result)):
            _log.info("\t%s", line.rstrip("\n"))
        return result

    def _release_if_complete(self, aggregator: Aggregator) -> None:
        """No verifier takes a record with fewer rounds than the policy asks for."""
        done, asked = aggregator.chain.round, aggregator.chain.policy.round.rounds
        if done < asked:
            _log.warning(
                "no release yet: %s on record, the policy asks for %d", counted(done, "round"), asked
            )
            return
        out = self.folder / RELEASE
        key = EnvelopeKey.load(self.folder / ENVELOPE_KEY)
        producer = Producer(package="fedproof", version=fedproof.__version__)
        release(aggregator, out, trust=Trust.load(self.folder / TRUST), key=key, producer=producer)
        shown = [
            printable(str(path))
            for path in (out / BUNDLE, out / MODEL, self.folder / POLICY, self.folder / TRUST)
        ]
        _log.info("certified; check it: fedproof verify %s --model %s --policy %s --trust %s", *shown)


class _Run:
    """The rounds of one `start`."""

    def __init__(
        self, proved: Proved, aggregator: Aggregator, grid: Grid, timeout: float, evaluate_fn: Evaluate | None
    ) -> None:
        self.proved, self.strategy, self.aggregator = proved, proved.strategy, aggregator
        self.grid, self.timeout, self.evaluate_fn = grid, timeout, evaluate_fn
        self.talk = Conversation(
            aggregator, grid, arrays=self.strategy.arrayrecord_key, weight=self.strategy.weighted_by_key
        )
        self.result = Result(arrays=self._arrays())

    def all(self, num_rounds: int, train_config: ConfigRecord, evaluate_config: ConfigRecord) -> Result:
        policy, started = self.aggregator.chain.policy, time.time()
        _log.info("Starting %s with proofs:", type(self.strategy).__name__)
        self.strategy.summary()
        _log.info("\t└──> Policy %s: federation %s", policy.digest().hex()[:16], policy.federation)
        if self.aggregator.exchanging:
            _log.info("the round that was under way has its uploads: going on with it")
            self._go_on()
        elif self.aggregator.server is not None:
            _log.info("the round that was under way is given up, and tried again")
            self.aggregator.abort()
        done = self.aggregator.chain.round
        if done:
            _log.info("%s on record, checked again: going on from there", counted(done, "round"))
            if done >= num_rounds:
                _log.info("nothing is left to train: num_rounds is %d", num_rounds)
        else:
            self._evaluate_here(0)
        for number in range(done + 1, num_rounds + 1):
            _log.info("")
            _log.info("[ROUND %s/%s]", number, num_rounds)
            summary = self._train(number, train_config)
            self._evaluate(number, evaluate_config, summary)
            self._tell(number, summary)
            self._evaluate_here(number)
        self.talk.bring_up_to_date(min(self.timeout, policy.round.deadline_seconds))
        _log.info("")
        _log.info("Strategy execution finished in %.2fs", time.time() - started)
        return self.result

    def _go_on(self) -> None:
        """A masked round whose set is fixed: clients may have opened it, and open no other from its base model."""
        number = self.aggregator.chain.round + 1
        summary = self.talk.go_on(self.timeout)
        self._ended(summary)
        self._tell(number, summary)

    def _train(self, number: int, config: ConfigRecord) -> RoundSummary:
        wait_for_nodes(self.grid, self._least(self.strategy.min_train_nodes), self.proved.wait)
        calls = list(self.strategy.configure_train(number, self.result.arrays, config, self.grid))
        summary = self.talk.train(calls, self.timeout)
        self._ended(summary)
        return summary

    def _ended(self, summary: RoundSummary) -> None:
        self.proved.rounds.append(summary)
        self.result.arrays = self._arrays()
        silent = f", {len(summary.silent)} silent afterwards" if summary.silent else ""
        accepted = counted(len(summary.accepted), "update")
        _log.info("train: %s accepted, %s not%s", accepted, len(summary.left), silent)
        if summary.void:
            least = self.aggregator.chain.policy.least_accepted
            why = summary.unopened or f"the policy asks for at least {least} accepted updates"
            _log.warning("the round is void: %s; the model stays", why)

    def _tell(self, number: int, summary: RoundSummary) -> None:
        """The app's metrics of accepted updates, which nobody proves, and ours."""
        metrics = MetricRecord()
        usable, _ = alike(summary.metrics, self.strategy.weighted_by_key)
        if usable:
            content = [RecordDict({"metrics": record}) for record in usable.values()]
            try:
                metrics = self.strategy.train_metrics_aggr_fn(content, self.strategy.weighted_by_key)
            except Exception:  # nodes choose what is in them, and the round stands
                _log.exception("the metrics of training could not be added up in round %d", number)
        metrics.update(_own_metrics(summary))
        self.result.train_metrics_clientapp[number] = metrics
        _log.info("\t└──> %s", metrics)
        for hook in self.proved.hooks:
            try:
                hook(summary, metrics)
            except Exception:  # a tool that is down stops no federation
                _log.exception("a hook failed after round %d", number)

    def _evaluate(self, number: int, config: ConfigRecord, summary: RoundSummary) -> None:
        """Metrics of the nodes, which nobody proves."""
        if self.strategy.fraction_evaluate == 0.0:
            return
        wait_for_nodes(self.grid, self._least(self.strategy.min_evaluate_nodes), self.proved.wait)
        calls = list(self.strategy.configure_evaluate(number, self.result.arrays, config, self.grid))
        replies = self.talk.evaluate(calls, self.timeout, summary)
        try:
            metrics = self.strategy.aggregate_evaluate(number, replies)
        except Exception:  # nodes choose what is in them, and the round stands
            _log.exception("the metrics of evaluation could not be added up in round %d", number)
            return
        if metrics is not None:
            _log.info("\t└──> Aggregated MetricRecord (not proved): %s", metrics)
            self.result.evaluate_metrics_clientapp[number] = metrics

    def _evaluate_here(self, number: int) -> None:
        metrics = self.evaluate_fn(number, self.result.arrays) if self.evaluate_fn else None
        if metrics is not None:
            _log.info("Global evaluation: %s", metrics)
            self.result.evaluate_metrics_serverapp[number] = metrics

    def _least(self, sampled: int) -> int:
        return max(self.strategy.min_available_nodes, sampled)

    def _arrays(self) -> ArrayRecord:
        return record_of(self.aggregator.chain.arrays())


def _own_metrics(summary: RoundSummary) -> dict[str, int | float]:
    """Ours, beside the app's own, which nobody proves."""
    counts = {"accepted": len(summary.accepted), "left-out": len(summary.left), "upload-bytes": summary.bytes}
    seconds = {f"seconds-{part}": value for part, value in summary.seconds.items()}
    return {f"fedproof-{name}": value for name, value in {**counts, **seconds}.items()}


def _check_rounds(aggregator: Aggregator, num_rounds: int) -> None:
    asked = aggregator.chain.policy.round.rounds
    if asked and num_rounds > asked:
        raise UsageError(f"{num_rounds} rounds are to run, the policy asks for {asked} (round.rounds)")


def _check_model(aggregator: Aggregator, arrays: ArrayRecord) -> None:
    """The app's model is of the base model's kind. Raises `UsageError` with the first difference."""
    base = aggregator.chain.arrays()
    for name in [*base, *arrays]:
        held, given = base.get(name), arrays.get(name)
        if held is None or given is None:
            where = "the policy's base model" if held is None else "initial_arrays"
            raise UsageError(f"tensor {printable(name)} is not in {where}: the app has another model")
        if tuple(given.shape) != held.shape:
            raise UsageError(
                f"tensor {printable(name)} has shape {tuple(given.shape)} in initial_arrays, {held.shape} in the base model"
            )
