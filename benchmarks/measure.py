"""Measuring contenders in turn, so that what else the machine does falls on all of them alike."""

import gc
import math
import statistics
import time

TURN_SECONDS = 0.2  # a turn makes as many steps as fit into this, and at least one
WARM_SECONDS = 0.5  # shorter steps begin each turn with one that is not counted
PAUSE_SECONDS = 0.02  # between turns: the threads of the one before stop spinning
SLOW_SECONDS = 30  # a contender whose first step takes longer is not asked for a second
BUDGET_SECONDS = 120  # for one contender in one case; it then leaves the rounds


class Entry:
    """One contender in one case."""

    def __init__(self, name, contender):
        self.name = name
        self.contender = contender
        self.times = []  # seconds a step, one for each turn
        self.cpu_times = []  # the same without the time that others had the core
        self.estimate = 0.0
        self.rounds = 0
        self.note = None

    def calibrate(self, first_seconds, rounds):
        """From the time of the first step, which may have compiled and allocated."""
        if first_seconds > SLOW_SECONDS:
            self.times, self.note = [first_seconds], "one counted step"
            return
        self.estimate = first_seconds
        if first_seconds < 5:
            self.estimate = seconds_of(self.contender.step)
        self.rounds = max(1, min(rounds, int(BUDGET_SECONDS / max(self.turn_seconds, 1e-9))))

    @property
    def repeats(self):
        return max(1, math.ceil(TURN_SECONDS / max(self.estimate, 1e-7)))

    @property
    def turn_seconds(self):
        return self.repeats * self.estimate

    def turn(self):
        """Seconds a step, as the mean over one turn."""
        step, repeats = self.contender.step, self.repeats
        time.sleep(PAUSE_SECONDS)
        if self.estimate < WARM_SECONDS:
            step()
        start, cpu_start = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            step()
        self.times.append((time.perf_counter() - start) / repeats)
        self.cpu_times.append((time.process_time() - cpu_start) / repeats)

    def result(self):
        result = {"median": statistics.median(self.times), "spread": spread(self.times)}
        result["times"] = self.times
        if self.cpu_times:
            result["cpu"] = statistics.median(self.cpu_times)
        if self.note:
            result["note"] = self.note
        return result


def seconds_of(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def spread(times):
    """Half the distance between the quartiles over the median: how much to trust the latter."""
    if len(times) < 4:
        return (max(times) - min(times)) / 2 / statistics.median(times)
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / 2 / middle


def round_robin(entries, rounds, report_turn=lambda name: None):
    """Every contender once, then again, each time beginning with another one."""
    gc.collect()
    gc.disable()  # as timeit does: a collection would fall on one contender alone
    try:
        for number in range(rounds):
            shift = number % max(1, len(entries))
            for entry in entries[shift:] + entries[:shift]:
                if number < entry.rounds:
                    entry.turn()
                report_turn(entry.name)
    finally:
        gc.enable()


def median_seconds(step, budget=2.0):
    """One thing alone, for figures that are compared with nothing: the median over turns."""
    step()
    seconds = seconds_of(step)
    if seconds > budget:
        return seconds
    repeats = max(1, math.ceil(0.05 / max(seconds, 1e-7)))
    turns = []
    for _ in range(max(3, min(9, int(budget / (repeats * seconds))))):
        turns.append(seconds_of(lambda: [step() for _ in range(repeats)]) / repeats)
    return statistics.median(turns)


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
