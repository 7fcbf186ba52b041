"""What the log says of failures that only a program of its own can bring about."""

from __future__ import annotations

import os
from pathlib import Path

from building import RELEASE, ROOT, compile_c, run


def test_failures_are_said(tmp_path):
    program = compile_c(
        ["gcc", "-std=gnu11"], [ROOT / "Tests/integration/log.c", "-pthread", "-rdynamic"],
        tmp_path / "log",
    )
    run(["gcc", "-std=gnu11", "-shared", "-fPIC", ROOT / "Tests/integration/no_convergence.c",
         "-o", tmp_path / "libopenblas.so.0"])
    failed = "1: a step was not made: LAPACK's SVD of the momentum of parameter w did not converge"
    environment = {**os.environ, "LD_LIBRARY_PATH": f"{tmp_path}:{RELEASE}"}
    lines = run([program], env=environment).splitlines()
    slow = "2: OpenBLAS runs its kernels for Prescott on a processor with"
    has_avx2 = " avx2 " in Path("/proc/cpuinfo").read_text()
    # Each handler hears it when svd has loaded OpenBLAS: before that there is nothing to say.
    said = [line for line in lines if "OpenBLAS" in line]
    assert [line[: line.index("with") + 4] for line in said] == [slow, "child " + slow][: 2 * has_avx2]
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
