"""libmuon for threadpoolctl, which lists and limits the threads of the libraries of a process.

Importing this module makes libmuon known to threadpoolctl (3.2 or later), which must be installed:

    import libmuon.threadpool
    import threadpoolctl

    threadpoolctl.threadpool_info()                             # libmuon is among them
    with threadpoolctl.threadpool_limits(1):                    # libmuon and all others
    with threadpoolctl.threadpool_limits(1, user_api="muon"):   # libmuon alone
    with threadpoolctl.threadpool_limits({"libmuon": 1}):       # the same
"""

from __future__ import annotations

from ctypes import c_char_p

from threadpoolctl import LibController, register

__all__ = ["MuonController"]

MOST = 1024


class MuonController(LibController):  # type: ignore[misc]
    """A libmuon.so as threadpoolctl sees it: the one in .dynlib, if there are several."""

    user_api = "muon"
    internal_api = "libmuon"
    filename_prefixes = ("libmuon",)
    check_symbols = ("muon_get_num_threads", "muon_set_num_threads", "muon_build_info")

    def get_num_threads(self) -> int:
        """How many threads a step may use."""
        return int(self.dynlib.muon_get_num_threads())

    def set_num_threads(self, num_threads: int) -> None:
        """Sets it, for the whole process; more than 1024, which other libraries may take, is 1024."""
        if self.dynlib.muon_set_num_threads(min(num_threads, MOST)):
            raise ValueError(f"libmuon: 0 to {MOST} threads are expected, not {num_threads}")

    def get_version(self) -> str:
        """The version of the library."""
        return self._build_info()[0].removeprefix("libmuon ")

    def set_additional_attributes(self) -> None:
        """The instructions in use, as OpenBLAS's entry has them."""
        self.architecture = self._build_info()[1]

    def _build_info(self) -> list[str]:
        ask = self.dynlib.muon_build_info
        ask.restype = c_char_p
        text: bytes = ask()
        return text.decode("utf-8", "replace").split("; ")


register(MuonController)
