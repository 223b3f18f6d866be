"""Where the demo's time goes: what is counted, not how fast this machine is."""

import pytest

from fedproof.demo.timing import PARTS, Timing


def test_parts_add_up() -> None:
    timing = Timing(plain=2.0)
    timing.seconds.update(train=1.0, prove=3.0)
    assert (timing.total, timing.ratio) == (4.0, 2.0)
    told = timing.to_json()
    assert (told["with"], told["without"], told["ratio"]) == (4.0, 2.0, 2.0)
    assert list(timing.seconds) == list(PARTS)


def test_a_part_grows_by_what_its_block_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 11.5, 20.0, 20.25])
    monkeypatch.setattr("fedproof.demo.timing.time.perf_counter", lambda: next(clock))
    timing = Timing()
    for _ in range(2):
        with timing.part("verify"):
            pass
    assert timing.seconds["verify"] == timing.total == 1.75
    assert timing.ratio == 0.0  # nothing to compare with


def test_an_unknown_part_is_a_mistake() -> None:
    with pytest.raises(KeyError), Timing().part("lunch"):
        pass
