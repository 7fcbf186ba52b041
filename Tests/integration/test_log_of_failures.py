"""What the log says of failures that only a program of its own can bring about."""

from __future__ import annotations

from building import ROOT, compile_c, run


def test_failures_are_said(tmp_path):
    program = compile_c(
        ["gcc", "-std=gnu11"], [ROOT / "Tests/integration/log.c", "-pthread", "-rdynamic"],
        tmp_path / "log",
    )
    failed = "1: a step was not made: LAPACK's SVD of the momentum of parameter w did not converge"
    lines = run([program]).splitlines()
    # What is wrong with OpenBLAS here, if anything is, is not what is asked.
    assert [line for line in lines if "OpenBLAS" not in line] == [
        failed,
        "MUON_ERR_NOT_CONVERGED",
        failed.split(": ", 2)[2],
        "1: LAPACK's SVD of the matrix did not converge",
        "MUON_ERR_NOT_CONVERGED",
        "2: only 1 of 2 threads could be started: steps take longer, with the same results",
        "MUON_OK",
        "MUON_OK",
        "MUON_OK",
        failed,
        "child " + failed,
    ]
