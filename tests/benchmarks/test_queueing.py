"""The simulation against what queueing theory knows in closed form."""

import importlib.util
import statistics
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def queueing():
    spec = importlib.util.spec_from_file_location("queueing", Path(__file__).parents[2] / "benchmarks" / "queueing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["queueing"] = module  # where its dataclass looks for its module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["queueing"]


@pytest.mark.parametrize("load", [0.3, 0.7])
@pytest.mark.parametrize(("works", "spread"), [([2.0], 0.0), ([1.0, 3.0], 0.25)])
def test_one_server_waits_as_pollaczek_and_khinchine_say(queueing, load, works, spread):
    mean = 2.0
    arrivals = queueing.poisson(load / mean, 200_000)
    outcome = queueing.simulate(arrivals, works, servers=1, most=10**9)
    expected = mean + load * mean * (1 + spread) / (2 * (1 - load))
    assert statistics.mean(outcome.times) == pytest.approx(expected, rel=0.03)
    assert outcome.rate == pytest.approx(load / mean, rel=0.02)
    assert outcome.turned_away == 0


def test_a_house_without_waiting_room_turns_away_as_erlang_says(queueing):
    # Erlang's loss formula holds for any times of work: 3 servers offered 2 pages at once lose 4/19 of them.
    outcome = queueing.simulate(queueing.poisson(2.0, 100_000), [0.5, 1.5], servers=3, most=3)
    assert outcome.turned_away == pytest.approx(4 / 19, rel=0.03)


def test_too_much_work_is_done_as_fast_as_it_can_be(queueing):
    outcome = queueing.simulate(queueing.poisson(10.0, 20_000), [0.5], servers=2, most=8)
    assert outcome.rate == pytest.approx(4.0, rel=0.01)
    assert outcome.quantile(0.95) <= 8 * 0.5 / 2 + 0.5


def test_what_a_page_takes_beside_delays_it_and_no_other(queueing):
    arrivals = queueing.poisson(0.8, 20_000)
    bare = queueing.simulate(arrivals, [1.0], servers=1, most=10**9)
    longer = queueing.simulate(arrivals, [1.0], servers=1, most=10**9, beside=5.0)
    assert longer.times == pytest.approx([seconds + 5 for seconds in bare.times])
    # Pages in the house all the while count against the house's limit.
    assert queueing.simulate(arrivals, [1.0], 1, 6, beside=5.0).turned_away > 0.1
