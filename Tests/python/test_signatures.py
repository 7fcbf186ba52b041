"""The signatures that are made from muon.h have the library's options and defaults."""

from __future__ import annotations

import inspect

import pytest

import libmuon
from libmuon._options import adamw_defaults, muon_defaults

OWN = {libmuon.Muon: muon_defaults, libmuon.AdamW: adamw_defaults}


@pytest.mark.parametrize("kind", [libmuon.Muon, libmuon.AdamW])
def test_defaults_are_the_librarys(kind):
    parameters = inspect.signature(kind).parameters
    given = {name: each.default for name, each in parameters.items() if name not in ("params", "nonfinite")}
    assert given == OWN[kind]()


def test_the_order_of_what_is_given_by_position():
    names = [*inspect.signature(libmuon.Muon).parameters]
    assert names[:7] == ["params", "lr", "momentum", "nesterov", "weight_decay", "backend", "backend_steps"]
    assert [*inspect.signature(libmuon.AdamW).parameters][:5] == ["params", "lr", "betas", "eps", "weight_decay"]
