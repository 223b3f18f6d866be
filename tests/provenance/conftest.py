from pathlib import Path

import pytest

from tests.provenance.world import Forgery, World, honest_bundle, play


@pytest.fixture(scope="session")
def world() -> World:
    """Three rounds with an update that is too long, a replayed proof and a silent client."""
    return play()


@pytest.fixture
def bundle(world: World, tmp_path: Path) -> Path:
    """A certified bundle; the model lies beside it."""
    return honest_bundle(world, tmp_path / "honest")[0]


@pytest.fixture
def forgery(world: World) -> Forgery:
    """The same rounds in the hands of a dishonest aggregator."""
    return Forgery.of(world)
