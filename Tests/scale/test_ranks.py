"""Ranks of MPI come to what one process comes to, to the bit."""

from __future__ import annotations

import re

import pytest
from building import ROOT, STRICT, library, run
from jobs import assert_fine, digests

STEPS = ("256", 1, 20)


@pytest.fixture(scope="module")
def expected(alone) -> str:
    return digests(alone(*STEPS))[0]


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_twenty_steps_are_those_of_one_process(mpi, ranks, expected):
    assert digests(mpi.run(ranks, mpi.train, *STEPS)) == {rank: expected for rank in range(ranks)}


@pytest.mark.parametrize("policy", ["skip", "error"])
@pytest.mark.parametrize("culprit", [0, 2])
def test_nan_on_one_rank_is_one_of_all(mpi, policy, culprit):
    output = mpi.run(3, mpi.train, 64, 1, 4, f"nan={culprit}", f"skip={int(policy == 'skip')}")
    lines = re.findall(r"rank \d: (MUON_\w+), skipped (\d), (\w+): ?(.*)", output)
    assert len(lines) == 3
    for status, skipped, changed, text in lines:
        assert changed == "unchanged"
        assert (status, skipped) == (("MUON_OK", "1") if policy == "skip" else ("MUON_ERR_NONFINITE_GRADIENT", "0"))
        if policy == "error":
            assert f"rank {culprit}: optimizer 0 (Muon): the gradient of parameter w2" in text
    # And the next steps are made.
    assert len(set(digests(output).values())) == 1 and len(digests(output)) == 3


def test_the_checkpoint_is_that_of_one_process(mpi, alone, tmp_path):
    one, three = tmp_path / "one", tmp_path / "three"
    alone(64, 1, 5, f"save={one}")
    mpi.run(3, mpi.train, 64, 1, 5, f"save={three}")
    assert one.read_bytes() == three.read_bytes()


def test_resumes_with_another_number_of_ranks(mpi, alone, tmp_path):
    path = tmp_path / "checkpoint"
    mpi.run(4, mpi.train, 64, 1, 4, f"save={path}")
    mpi.run(1, mpi.train, 64, 5, 7, f"load={path}", f"save={path}")
    found = digests(mpi.run(3, mpi.train, 64, 8, 10, f"load={path}"))
    assert found == dict.fromkeys(range(3), digests(alone(64, 1, 10))[0])


def test_ranks_that_differ_are_told_in_what(mpi):
    output = mpi.run(3, mpi.train, 64, 1, 2, "lr=1", fine=(3,))
    assert re.search(r"attach: MUON_ERR_EXCHANGE .*the ranks differ in the option lr of group 0, here 0\.\d+", output)


def test_kernels_that_differ_are_told_what_to_set(mpi):
    """Of one rank the environment is another."""
    program = "/bin/sh", "-c", (
        f"[ ${{PMI_RANK:-$OMPI_COMM_WORLD_RANK}} = 1 ] && export MUON_MAX_CPU=baseline; exec {mpi.train} 64 1 2")
    output = mpi.run(2, *program, fine=(3,))
    assert "set MUON_MAX_CPU=baseline on all ranks" in output


def test_threads_that_may_not_call_mpi_are_an_error(mpi):
    output = mpi.run(1, mpi.train, 64, 1, 2, "thread=1", fine=(3,))
    # MPICH grants more than is asked for where that costs nothing.
    if digests(output):
        pytest.skip("this MPI lets other threads call it")
    assert "only the thread that initialized MPI" in output


def test_mpi_init_is_told_from_mpi_init_thread(mpi):
    output = mpi.run(1, mpi.train, 64, 1, 2, "single=1", fine=(0, 3))
    assert digests(output) or "MPI_Init_thread, with MPI_THREAD_FUNNELED or more" in output


def test_what_is_no_communicator_is_an_error(mpi):
    program = mpi.compile(ROOT / "Tests/scale/refused.c", "refused")
    assert_fine(mpi.run(2, program), 2)


@pytest.mark.parametrize("language", ["-std=c99", "-std=c11", "-xc++"])
def test_the_header_compiles_without_warnings(mpi, language, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text("#include <muon_mpi.h>\nint main(void) { return sizeof(muon_mpi_link) == 0; }\n")
    flags = run([f"mpicc.{mpi.name}", *(["--showme:compile"] if mpi.name == "openmpi" else ["-compile_info"])])
    includes = [f"-isystem{path}" for path in re.findall(r"-I(\S+)", flags)]
    extra = ["-Wno-old-style-cast"] if language == "-xc++" else ["-Wstrict-prototypes"]
    run(["g++" if language == "-xc++" else "gcc", language, *STRICT, "-Wshadow", "-Wconversion", *extra, *includes,
         "-I", ROOT / "include", "-fsyntax-only", source])


def test_the_header_is_short():
    assert len((ROOT / "include/muon_mpi.h").read_text().splitlines()) <= 250


def test_there_is_only_what_is_not_blocking():
    text = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", (ROOT / "include/muon_mpi.h").read_text(), flags=re.DOTALL)
    collective = {name for name in re.findall(r"\bMPI_\w+(?=\()", text)}
    assert {"MPI_Ibcast", "MPI_Iallreduce", "MPI_Comm_idup"} <= collective
    assert not collective & {"MPI_Bcast", "MPI_Allreduce", "MPI_Barrier", "MPI_Wait", "MPI_Waitall", "MPI_Comm_dup",
                             "MPI_Init", "MPI_Init_thread", "MPI_Finalize", "MPI_Abort"}


def test_bytes_that_are_shared_are_those_of_the_parameters(mpi):
    """Counted by MPI's own profiling interface: those of Muon's parameters, and of NorMuon's means."""
    program = mpi.compile(ROOT / "Tests/scale/train.c", "counted", "-DCOUNT_BYTES")
    output = mpi.run(3, program, 64, 1, 3)
    side, shapes = 64, []
    for index in range(8):
        shapes.append((3 * side if index == 7 else side, 2 * side if index == 3 else side - index))
    expected = 3 * sum(4 * rows * columns + 4 * rows for rows, columns in shapes)
    assert re.findall(r"rank \d: broadcast (\d+) bytes", output) == [str(expected)] * 3


def test_the_library_knows_nothing_of_mpi():
    assert "MPI_" not in run(["nm", "--dynamic", library()])


def test_the_link_of_cpp(mpi):
    flags = run([f"mpicc.{mpi.name}", *(["--showme"] if mpi.name == "openmpi" else ["-show"])]).split()[1:]
    program = mpi.folder / "link"
    # Without the old C++ interface of MPI, which has a library of its own.
    plain = ["-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX"]
    run(["g++", "-std=c++17", *STRICT, *plain, "-I", ROOT / "include", ROOT / "Tests/scale/link.cpp",
         *[flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag for flag in flags],
         library(), f"-Wl,-rpath,{library().parent}", "-o", program])
    assert_fine(mpi.run(2, program), 2)
