# Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
"""The version of the package, and of the libmuon.so it needs: the same major and minor number."""

__version__ = "0.2.0"
