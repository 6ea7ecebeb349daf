"""How much work one second holds, and how much longer than told a sleep lasts.

Measured by the thread's own CPU clock, so that a busy machine slows calibration down but does not spoil it.
"""

import time
from statistics import median

from .demand import burn_held, burn_released

# Long enough that the clock's own cost and a stray interrupt are lost in it.
_PIECE_S = 0.01
_PIECES = 7
# What is checked after calibration, and by how much it may be off before calibration is tried again.
_CHECK_S = 0.01
_TOLERANCE = 0.05
_ATTEMPTS = 3
# A trial's own check is shorter: it is there to see drift, and is paid for in every trial.
_SAMPLE_S = 0.001
_SLEEP_S = 0.0005
_SLEEPS = 31


def calibrate():
    """Rates to be handed back with each trial, and measured over asked for each sort of work."""
    held, held_ratio = _checked_rate(burn_held)
    released, released_ratio = _checked_rate(burn_released)
    overhead = _sleep_overhead()
    return {
        "rates": {"held_per_s": held, "released_per_s": released, "sleep_overhead_s": overhead},
        "held_ratio": held_ratio,
        "released_ratio": released_ratio,
        "sleep_overhead_s": overhead,
    }


def sample_ratio(rates):
    """On-CPU time measured over asked, now: whether the work still costs what it did at calibration."""
    asked = 2 * _SAMPLE_S
    held = round(_SAMPLE_S * rates["held_per_s"])
    released = round(_SAMPLE_S * rates["released_per_s"])
    burn_held(held)  # The interpreter adapts to code in its first iterations.
    return median((_cost(burn_held, held) + _cost(burn_released, released)) / asked for _ in range(3))


def _checked_rate(burn):
    best = None
    for _ in range(_ATTEMPTS):
        rate = _rate(burn)
        asked = max(1, round(_CHECK_S * rate))
        ratio = median(_cost(burn, asked) for _ in range(5)) / _CHECK_S
        if best is None or abs(ratio - 1) < abs(best[1] - 1):
            best = rate, ratio
        if abs(ratio - 1) <= _TOLERANCE:
            break
    return best


def _rate(burn):
    """Iterations per second of CPU."""
    iterations = 16
    while _cost(burn, iterations) < _PIECE_S:
        iterations *= 2
    return iterations / median(_cost(burn, iterations) for _ in range(_PIECES))


def _cost(burn, iterations):
    before = time.thread_time()
    burn(iterations)
    return time.thread_time() - before


def _sleep_overhead():
    """The kernel's timer slack and the way back onto a core."""
    extra = []
    for _ in range(_SLEEPS):
        before = time.perf_counter()
        time.sleep(_SLEEP_S)
        extra.append(time.perf_counter() - before - _SLEEP_S)
    return max(0.0, median(extra))
