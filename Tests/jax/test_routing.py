"""Where the leaves of a pytree go, and that muon() sends them there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from libmuon.jax import muon, route_params

PARAMS = {
    "params": {
        "embed_tokens": {"embedding": jnp.ones((50, 8))},
        "layers_0": {
            "attention": {"kernel": jnp.ones((8, 2, 4))},
            "conv_1": {"kernel": jnp.ones((3, 3, 8, 8))},
            "mlp": {"kernel": jnp.ones((8, 32)), "bias": jnp.ones(32)},
            "norm": {"scale": jnp.ones(8)},
        },
        "lm_head": {"kernel": jnp.ones((8, 50))},
    }
}
MLP = "params.layers_0.mlp.kernel"


def sent(**asked):
    return {each.name: each.optimizer for each in route_params(PARAMS, **asked)}


def test_by_shape_and_name():
    assert [name for name, optimizer in sent().items() if optimizer == "Muon"] == [MLP]
    reasons = {each.name: each.reason for each in route_params(PARAMS)}
    assert reasons["params.embed_tokens.embedding"] == "an embedding, by its name"
    assert reasons["params.lm_head.kernel"] == "an output layer, by its name"
    assert reasons["params.layers_0.conv_1.kernel"] == "it does not have 2 dimensions"


def test_as_asked():
    routes = sent(to_muon=["*.conv_*.kernel", "params.lm_head.kernel"], to_adamw=["*.mlp.*"])
    assert {name for name, optimizer in routes.items() if optimizer == "Muon"} == {
        "params.layers_0.conv_1.kernel", "params.lm_head.kernel"}
    for asked, text in (
        ({"to_muon": ["*.bias"]}, "cannot go there"), ({"to_muon": ["nothing"]}, "matches no parameter"),
        ({"to_muon": [MLP], "to_adamw": ["*.mlp.*"]}, "both match"),
    ):
        with pytest.raises(ValueError, match=text):
            route_params(PARAMS, **asked)


def test_muon_goes_by_it():
    optimizer = muon(0.02, to_muon=["*.conv_*.kernel"])
    state = optimizer.init(PARAMS).inner_states["Muon"].inner_state[0].momentum
    shapes = sorted(np.shape(leaf) for leaf in jax.tree.leaves(state))
    assert shapes == [(3, 3, 8, 8), (8, 32)]
    assert route_params(jnp.ones((3, 2)))[0].name == "params"
