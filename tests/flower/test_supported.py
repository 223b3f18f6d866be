"""Which strategies Proved takes, and why it takes no others."""

from pathlib import Path

import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid, strategy
from flwr.serverapp.strategy import FedAdam, FedAvg, FedAvgM, Strategy

from fedproof.errors import UsageError
from fedproof.flower import Proved
from fedproof.flower.supported import SUPPORTED, check_strategy
from fedproof.policy.policy import Policy
from tests.flower.world import World, initial
from tests.round.world import POLICY


def asking(name: str, **parameters: str) -> Policy:
    optimiser = "".join(f'\n{key} = "{value}"' for key, value in parameters.items())
    table = f"[aggregate.optimiser]{optimiser}\n" if parameters else ""
    return Policy.parse(f'{POLICY}[aggregate]\nstrategy = "{name}"\n{table}')


def made(name: str) -> Strategy:
    kind = getattr(strategy, name)
    made: Strategy = kind(proximal_mu=0.1) if name == "FedProx" else kind()
    return made


@pytest.mark.parametrize("name", SUPPORTED)
def test_what_the_policy_asks_for(name: str) -> None:
    check_strategy(made(name), asking(name))
    with pytest.raises(UsageError, match=f"the strategy is {name}, the policy asks for"):
        check_strategy(made(name), asking("FedAvg" if name != "FedAvg" else "FedAdam"))


@pytest.mark.parametrize(
    "name", ["Krum", "MultiKrum", "Bulyan", "FedMedian", "FedTrimmedAvg", "FedXgbBagging", "FedXgbCyclic"]
)
def test_others_are_refused_by_name_and_reason(name: str) -> None:
    kind = getattr(strategy, name)
    other = kind(num_malicious_nodes=1) if name in ("Krum", "MultiKrum", "Bulyan") else kind()
    with pytest.raises(UsageError, match=rf"{name} is not supported: .*that is not a weighted mean"):
        check_strategy(other, asking("FedAvg"))


def test_noise_at_the_server_is_refused() -> None:
    noisy = strategy.DifferentialPrivacyServerSideFixedClipping(FedAvg(), 1.0, 1.0, 2)
    with pytest.raises(UsageError, match="is not supported: it clips or adds noise"):
        check_strategy(noisy, asking("FedAvg"))


def test_a_subclass_may_configure_rounds_in_its_own_way() -> None:
    class Decaying(FedAvg):
        def configure_train(
            self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
        ) -> list[Message]:
            config["lr"] = 0.1 / server_round
            return list(super().configure_train(server_round, arrays, config, grid))

    check_strategy(Decaying(), asking("FedAvg"))


@pytest.mark.parametrize("method", ["start", "aggregate_train"])
def test_a_subclass_with_sums_of_its_own_is_refused(method: str) -> None:
    kind = type("Own", (FedAvg,), {method: lambda self, *args, **kwargs: None})
    with pytest.raises(UsageError, match=f"Own has its own {method}"):
        check_strategy(kind(), asking("FedAvg"))


def test_a_strategy_from_nowhere_is_refused() -> None:
    kind = type("Mine", (Strategy,), {n: lambda self, *a: None for n in Strategy.__abstractmethods__})
    with pytest.raises(UsageError, match="Mine is not supported"):
        check_strategy(kind(), asking("FedAvg"))


def test_parameters_are_the_policys() -> None:
    check_strategy(
        FedAvgM(server_learning_rate=0.5, server_momentum=0.9),
        asking("FedAvgM", server_learning_rate="0.5", server_momentum="0.9"),
    )
    with pytest.raises(UsageError, match=r"FedAvgM: server_momentum is 0.8, the policy asks for 0.9"):
        check_strategy(FedAvgM(server_momentum=0.8), asking("FedAvgM", server_momentum="0.9"))
    with pytest.raises(UsageError, match=r"FedAdam: eta is 0.2, the policy asks for 0.1"):
        check_strategy(FedAdam(eta=0.2), asking("FedAdam"))


def test_a_server_optimiser_from_the_app_to_the_certificate(tmp_path: Path) -> None:
    text = f'{POLICY}[aggregate]\nstrategy = "FedAvgM"\n[aggregate.optimiser]\nserver_momentum = "0.5"\n'
    world = World.make(tmp_path, policy=text)
    proved = Proved(FedAvgM(server_momentum=0.5), world.context())
    result = proved.start(world.grid(), initial(), num_rounds=2)
    moved = result.arrays["b"].numpy() - initial()["b"].numpy()
    assert moved == pytest.approx(1 / 32 + 1.5 / 32)  # the second step has half of the first one in it
    assert (world.folder / "server" / "release" / "bundle").is_dir()
