"""A failed or refused step changes nothing; the same bits for every number of threads; forks."""

from __future__ import annotations

import hashlib
import multiprocessing

import numpy as np
import pytest
from building import program, run
from soak import long_or_short

import libmuon
from libmuon import AdamW, Muon

BAD = [np.nan, np.inf, -np.inf, np.float32(np.nan) * -1]
# Also one of several parts, and with a tail behind the vectors.
SHAPES = [(1, 1), (3, 5), (8, 8), (17, 33), (64, 48), (130, 257), (1, 70), (600, 700)]


def contents(optimizer, weights):
    """All that a step may change, to the bit, but the count of skipped steps."""
    state = [
        (index, key, value.tobytes() if isinstance(value, np.ndarray) else repr(value))
        for index, values in sorted(optimizer.state_dict()["state"].items())
        for key, value in sorted(values.items())
    ]
    return [weight.tobytes() for weight in weights], state


def test_nan_or_infinity_anywhere_changes_nothing(seed, figures):
    random = np.random.default_rng(seed)
    injections = long_or_short(10_000, 2_000)
    done = 0
    while done < injections:
        kind = [Muon, AdamW][random.integers(2)]
        shapes = [SHAPES[random.integers(len(SHAPES) - (random.random() < 0.95))]
                  for _ in range(random.integers(1, 5))]
        weights = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
        grads = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
        optimizer = kind([(f"p{index}", weight) for index, weight in enumerate(weights)])
        libmuon.set_num_threads(int(random.integers(1, 4)))
        optimizer.step(grads)
        skipped = 0
        for _ in range(20):
            done += 1
            policy = ["error", "skip", "propagate"][random.integers(3)]
            optimizer.nonfinite = policy
            culprit = int(random.integers(len(shapes)))
            flat = grads[culprit].reshape(-1)
            # The first and the last element as often as all between.
            place = int(random.choice([0, flat.size - 1, random.integers(flat.size)]))
            kept, flat[place] = flat[place], BAD[random.integers(len(BAD))]
            before = contents(optimizer, weights)
            gradients = [grad.tobytes() for grad in grads]
            if policy == "error":
                with pytest.raises(libmuon.NonFiniteGradientError, match=f"p{culprit} "):
                    optimizer.step(grads)
            else:
                if policy == "propagate":
                    saved = [weight.copy() for weight in weights], optimizer.state_dict()
                optimizer.step(grads)
                skipped += policy == "skip"
            assert optimizer.skipped_steps == skipped
            assert [grad.tobytes() for grad in grads] == gradients
            if policy == "propagate":
                assert not np.isfinite(weights[culprit]).all()
                for index, weight in enumerate(weights):
                    assert index == culprit or np.isfinite(weight).all()
                for weight, values in zip(weights, saved[0]):
                    weight[:] = values
                optimizer.load_state_dict(saved[1])
            assert contents(optimizer, weights) == before
            flat[place] = kept
        # And then it goes on.
        optimizer.step(grads)
        assert contents(optimizer, weights) != before
    libmuon.set_num_threads(0)
    figures(f"seed {seed}: {done} injections")


def shapes_of(random):
    """Shapes of all kinds: square, long, thin, vectors, prime extents, with one dear one in some."""
    for number in range(50):
        rows, columns = (int(2 ** random.uniform(0, 8.5)) for _ in range(2))
        match number % 5:
            case 1:
                columns = rows
            case 2:
                rows = [1, 2, 3, 7, 31][number // 5 % 5]
            case 3:
                rows, columns = rows | 1, columns | 1
            case 4:
                rows, columns = 128 + 64 * (number // 5), 300 + number
        yield number, (rows, columns)


BACKENDS = ["newtonschulz5", "polar_express", "turbo", "cans", "svd", "cubic5", "you"]


def test_the_bits_do_not_depend_on_the_number_of_threads(seed, figures):
    random = np.random.default_rng(seed)
    steps = long_or_short(20, 2)
    for number, shape in shapes_of(random):
        backend = BACKENDS[number % len(BACKENDS)]
        precision = "f32" if number % 2 else "auto"
        # Beside it others, so that matrices are also shared out among the threads.
        shapes = [shape, (64, 64), (90, 70), (shape[1], 20)][: 1 + number % 4]
        initial = [random.standard_normal(each, dtype=np.float32) for each in shapes]
        grads = [
            [random.standard_normal(each, dtype=np.float32) for each in shapes] for _ in range(2)
        ]
        first = None
        # And once more with the number the process would choose: two runs are the same.
        for threads in [1, 2, 3, 8, 0]:
            libmuon.set_num_threads(threads)
            weights = [weight.copy() for weight in initial]
            optimizers = [
                Muon(weights, backend=backend, precision=precision, weight_decay=0.1),
                AdamW([weight.copy() for weight in initial]),
            ]
            for step in range(steps):
                for optimizer in optimizers:
                    optimizer.step(grads[step % 2])
            bits = [contents(optimizer, [p.data for p in optimizer.parameters])
                    for optimizer in optimizers]
            first = first or bits
            assert bits == first, f"{shapes}, {backend}, {precision}, {threads} threads"
    libmuon.set_num_threads(0)
    figures(f"seed {seed}: 50 shapes, {steps} steps, with 1, 2, 3 and 8 threads")


def test_two_processes_give_the_same_bits(run_python):
    script = (
        "import hashlib, numpy as np, libmuon\n"
        "r = np.random.default_rng(3)\n"
        "w = [r.standard_normal(s, dtype=np.float32) for s in [(300, 200), (64, 64), (500, 31)]]\n"
        "o = libmuon.Muon(w)\n"
        "for _ in range(5): o.step([r.standard_normal(x.shape, dtype=np.float32) for x in w])\n"
        "print(hashlib.sha256(b''.join(x.tobytes() for x in w)).hexdigest())")
    assert run_python(script, MUON_NUM_THREADS="2") == run_python(script, MUON_NUM_THREADS="5")


def digest(optimizers):
    return hashlib.sha256(
        b"".join(p.data.tobytes() for each in optimizers for p in each.parameters)).hexdigest()


def _in_child(optimizers, grads, queue):
    for optimizer, grad in zip(optimizers, grads):
        optimizer.step(grad)
    queue.put(digest(optimizers))


# Python warns that a process with threads forks: NumPy's OpenBLAS has some. That is what is tested.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_are_survived(seed, figures):
    random = np.random.default_rng(seed)
    libmuon.set_num_threads(2)
    context = multiprocessing.get_context("fork")
    shapes = [(220, 200), (64, 64), (30, 90)]
    weights = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
    biases = [random.standard_normal((700, 2000), dtype=np.float32)]
    optimizers = [Muon(weights[:2]), Muon(weights[2:], backend="svd"), AdamW(biases)]
    # A second life, never forked, that says what is right.
    twins = [Muon([w.copy() for w in weights[:2]]),
             Muon([weights[2].copy()], backend="svd"), AdamW([biases[0].copy()])]
    both = [[[random.standard_normal(p.shape, dtype=np.float32) for p in each.parameters]
             for each in optimizers] for _ in range(2)]
    forks = long_or_short(1000, 100)
    for number in range(forks):
        grads = both[number // 2 % 2]
        queue = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(optimizers, grads, queue))
        child.start()
        if number % 2:  # the parent steps while the child does
            for optimizer, grad in zip(optimizers, grads):
                optimizer.step(grad)
        assert queue._reader.poll(60), "the child does not come to its end"
        result = queue.get()
        child.join(60)
        assert child.exitcode == 0
        if number % 2 == 0:
            for optimizer, grad in zip(optimizers, grads):
                optimizer.step(grad)
        for twin, grad in zip(twins, grads):
            twin.step(grad)
        right = digest(twins)
        assert result == right, f"child {number}"
        assert digest(optimizers) == right, f"parent after child {number}"
    libmuon.set_num_threads(0)
    figures(f"seed {seed}: {forks} forks")


def test_forks_find_no_lock_taken(tmp_path, figures):
    figures(run([program("robust/forks.c", tmp_path / "forks"), long_or_short(1000, 200)]))
