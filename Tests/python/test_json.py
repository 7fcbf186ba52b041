"""The JSON that C is given: what it says is said once, fits float64, and a mistake has its place."""

from __future__ import annotations

import json
import re
from ctypes import byref, c_size_t

import numpy as np
import pytest

import libmuon

TRAINING = '"training": {"optimizer": "Muon", "learning_rate": 0.1%s}'


def read(text: str) -> None:
    """As all builders read it."""
    lib = libmuon._library.lib
    count = byref(c_size_t())
    libmuon._library.check(lib.muon_config_route_params(text.encode(), None, 0, None, 0, count))


def refused(text: str, *parts: str) -> None:
    with pytest.raises(libmuon.ConfigError) as error:
        read(text)
    for part in parts:
        assert part in str(error.value), str(error.value)


def config(ours: str = "", others: str = "") -> str:
    return "{" + TRAINING % ours + others + "}"


@pytest.mark.parametrize("text, path", [
    (config(', "optimizer": "AdamW"'), "training.optimizer"),
    (config(', "optim\\u0069zer": "AdamW"'), "training.optimizer"),
    (config(', "weight_decay": 0, "weight_decay": 0'), "training.weight_decay"),
    (config("", ', "training": {"optimizer": "AdamW", "learning_rate": 1}'), "training"),
    (config("", ', "muon": {"lr": 1, "\\u006c\\u0072": 1}'), "muon.lr"),
    (config("", ', "foreign": {"a": 1, "a": 2}'), "foreign.a"),
    (config("", ', "foreign": [0, [{}, {"a": {"b": 1, "b": []}}]]'), "foreign[1][1].a.b"),
    (config("", ', "f": {"\\ud83d\\ude00": 1, "\U0001f600": 2}'), "f.\U0001f600"),
    (config("", ', "f": {"\\n\\t\\"\\\\\\/\\b\\f\\r": 1, "\\u000a\\u0009\\u0022\\u005C\\u002f'
                '\\u0008\\u000c\\u000d": 2}'), "f."),
    (config("", ', "": 1, "": 2'), "twice"),
])
def test_a_key_that_is_there_twice(text, path):
    refused(text, path, "this key is there twice")


@pytest.mark.parametrize("text", [
    config("", ', "a": {"a": 1}, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]'),
    config("", ', "a": "a", "b": ["a", "a"], "c": "\\"a\\": 1, \\"a\\": 2"'),
    config("", ', "é": 1, "e\u0301": 2, "A": 1, "a": 2, "\\\\u0061": 3'),
    config("", ', "training ": {}, " training": {}'),
    config(", \"foreign\": {\"optimizer\": 1}"),
])
def test_keys_that_differ(text):
    read(text)


def test_a_place_of_what_is_twice():
    refused('{\n  "training": {},\n  "é": {"a": 1, "a": 2}\n}', "é.a: this key is there twice (line 3, column 17)")


@pytest.mark.parametrize("key, shown", [
    ("a\nb", r"muon.a\nb:"), ("\x1b[31mred", r"muon.\u001b[31mred:"), ("\t\r", r"muon.\t\r:"),
    ("\u202eabc", r"muon.\u202eabc:"), ("\x85\x7f", r"muon.\u0085\u007f:"), ("größe\u200d", "muon.größe\u200d:"),
])
def test_control_characters_in_a_key(key, shown):
    """They steer terminals, and begin lines in logs that nobody wrote."""
    refused(config("", f', "muon": {{{json.dumps(key)}: 1}}'), shown, "unknown key")
    refused(config("", f', "f": {{{json.dumps(key)}: 1e999}}'), shown.replace("muon", "f"), "too large")
    value = shown.removeprefix("muon.").removesuffix(":")
    refused(config("", f', "muon": {{"precision": {json.dumps(key)}}}'), f'"{value}"', "expected one of")


def test_long_names_leave_room_for_what_is_wrong():
    long = "é" * 5000
    refused(config("", f', "muon": {{"{long}": 1}}'), "muon." + "é" * 50 + "...: unknown key")
    refused(config("", f', "muon": {{"precision": "{long}"}}'), "é" * 50 + '..."; expected one of')
    deep = config("", ', "f": ' + f'{{"{long}":' * 20 + "1e999" + "}" * 20)
    refused(deep, "...: the number 1e999 is too large")


def test_many_keys():
    names = ", ".join(f'"key{number}": {number}' for number in range(50_000))
    read(config("", f', "foreign": {{{names}}}'))
    refused(config("", f', "foreign": {{{names}, "key31415": 0}}'), "foreign.key31415")


def test_enormous_texts():
    """They are no training configurations, and would take long."""
    refused(config("", ', "f": "' + "x" * (16 << 20) + '"'), "at most 16777216 are read")
    read(config("", ', "f": "' + "x" * (15 << 20) + '"'))
    for section, ours in ("training", config(', "f": "%s"')), ("muon", config("", ', "muon": {"backend": "%s"}')):
        refused(ours % ("x" * (1 << 20)), f"{section} has ", "at most 1048576 are read")


@pytest.mark.parametrize("text, path", [
    (config("", ', "f": {"a\\u0000b": 1}'), "f.a\\u0000b"),
    (config(', "\\u0000": 1'), "training.\\u0000"),
])
def test_a_nul_in_a_key(text, path):
    refused(text, path, "a NUL in this key")
    # In a value it is a character like others.
    read(config("", ', "f": "a\\u0000b"'))
    refused(config("", ', "muon": {"momentum_style": "ema\\u0000x"}'), r'value "ema\u0000x"', "expected one of")


@pytest.mark.parametrize("number", [
    "1e400", "-1e400", "1e309", "1.8e308", "179769313486231580794e288",
    "1e99999999999999999999", "9" * 400, "0." + "0" * 20 + "1e330", "1E+400",
])
def test_a_number_that_is_too_large(number):
    shown = number[:40]
    refused(config().replace("0.1", number), "training.learning_rate:", shown, "too large")
    refused(config("", f', "muon": {{"coefficients": [[1, 2, 3], [1, {number}, 2]]}}'),
            "muon.coefficients[1][1]:", shown, "too large")
    refused(config("", f', "foreign": [{{"a": {number}}}]'), "foreign[0].a:", "too large")


@pytest.mark.parametrize("number", ["1e-400", "-1e-400", "0." + "0" * 400 + "1", "1e-99999999999999999999"])
def test_a_number_that_is_too_small(number):
    refused(config().replace("0.1", number), "training.learning_rate:", number[:40], "too small")


@pytest.mark.parametrize("number", [
    "1.7976931348623157e308", "1.79769313486231580793e308", "4.9e-324", "1e-310", "0e999", "0.0e-999",
    "1" + "0" * 308, "0." + "0" * 300 + "1", "0." + "1" * 1000, "1" + "0" * 400 + "e-400",
    "0." + "0" * 400 + "1e401", "-0", "0E+99999999999999999999", "123456789012345678901234567890",
])
def test_numbers_that_fit(number):
    assert np.isfinite(float(number))
    read(config("", f', "foreign": [{number}, 1]'))


@pytest.mark.parametrize("depth", [63, 64, 100, 600, 100_000])
def test_depth(depth):
    text = config("", ', "f": ' + "[" * depth + "]" * depth)
    if depth < 64:
        read(text)
    else:
        refused(text, "f[0][0]", "nested more than 64 deep")


@pytest.mark.parametrize("text", [
    "", "{", "}", "]", "[", "{]", '{"a"', '{"a": "', '{"a": "\\', '"\\u', ",", ":", "{,}", "nul", "+1", ".5",
    config() + "x", "{" * 50, "}" * 50, '{"a\\ud800": 1}', '{"a\\uzzzz": 1}', '{"\\x": 1, "x": 1}', "-", "1e",
])
def test_what_is_no_configuration(text):
    with pytest.raises(libmuon.ConfigError):
        read(text)


@pytest.mark.parametrize("foreign, place, what", [
    ("[1, 2,]", 8, 'expected a value, found "]"'), ("[1,, 2]", 5, 'expected a value, found ","'),
    ('{"a": 1,}', 10, 'expected a key, found "}"'), ("{,}", 3, 'expected a key or }, found ","'),
    ('{"a" 1}', 7, 'expected a colon, found "1"'), ('{"a": 1 "b": 2}', 10, "expected a comma or }"),
    ("[1 2]", 5, "expected a comma or ]"), ("[1}", 4, "expected a comma or ]"), ("{1: 2}", 3, "expected a key"),
    ("01", 3, "expected a comma"), ("+1", 2, "expected a value"), (".5", 2, "expected a value"),
    ("1.", 4, "expected a digit"), ("1e", 4, "expected a digit"), ("1e+", 5, "expected a digit"),
    ("-", 3, "expected a digit"), ("1.e5", 4, "expected a digit"), ("-Infinity", 3, "expected a digit"),
    ("NaN", 2, 'expected a value, found "N"'), ("nul", 2, "expected a value"), ("True", 2, "expected a value"),
    ("'a'", 2, """expected a value, found "'\""""), ("0x10", 3, "expected a comma"),
    ('"\\x"', 4, "expected an escaped character"), ('"\\u12g4"', 7, "expected a hexadecimal digit"),
    ('"a\tb"', 4, "expected an escaped control character"), ("/* a */ 1", 2, "expected a value"),
    ('"\\ud800\\u12"', 13, "expected a hexadecimal digit"), ("\u00a01", 2, "expected a value"),
    ("1 // a\n", 4, "expected a comma"), ('"a\nb"', 4, "expected an escaped control character"),
    ('"é", \ufeff"b": 1', 7, "expected a key"),
])
def test_what_is_no_json_in_what_is_foreign(foreign, place, what):
    """Python's own decoder has a say in what is none, but for the names that it takes for numbers."""
    text = '{"training": {"optimizer": "Muon", "learning_rate": 0.1},\n"f":\n ' + foreign + "}"
    if foreign not in ("-Infinity", "NaN"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    refused(text, f"the configuration: line 3, column {place}: {what}")


@pytest.mark.parametrize("text, place, found", [
    ("", "line 1, column 1", "the end of the text"), ("\n\n ", "line 3, column 2", "the end of the text"),
    (config() + "\n x", "line 2, column 2", '"x"'), (config() + config(), f"column {len(config()) + 1}", '"{"'),
    (config()[:-1], f"column {len(config())}", "the end of the text"),
])
def test_where_the_text_ends(text, place, found):
    refused(text, "the configuration: ", place, "found " + found)


@pytest.mark.parametrize("value", [
    '"\\ud800"', '"\\udc00\\ud800"', '"\\ud800x"', '"\\ud800\\n"', '"\\ud83d\\ude00"', '"\u2028"', '"\x7f"', "[ ]",
    "{\t}", "[\r\n1\t,\n2]", "-0.0e-0", "1E5",
])
def test_odd_json_is_json(value):
    json.loads(value)
    read(config("", f', "f": {value}'))
    read("\ufeff" + config("", f', "f": [{value}, {value}]'))


@pytest.mark.parametrize("number, is_fine", [
    ("9007199254740992", True), ("9007199254740993", False), ("-9007199254740993", False), ("1.5", False),
    ("9007199254740993.0", False), ("1e3", True), ("1000.0", True), ("9007199254740991", True), ("1e19", False),
])
def test_whole_numbers_are_not_rounded(number, is_fine):
    text = config(f', "n_epochs": 1, "warmup_steps": {number}').encode()
    optimizers = [libmuon.Muon([np.ones((2, 2), np.float32)])]
    handles = libmuon.schedulers.optimizer_handles(optimizers)
    made = (libmuon._abi.SchedulerHandle * 1)()
    count = byref(c_size_t())
    status = libmuon._library.lib.muon_config_build_schedulers(text, handles, 1, 1, made, 1, count)
    if is_fine:
        libmuon._library.check(status)
        libmuon._library.lib.muon_scheduler_destroy(made[0])
    else:
        with pytest.raises(libmuon.ConfigError, match="training.warmup_steps: expected"):
            libmuon._library.check(status)


def test_any_json_that_python_writes(rng_seed=7):
    """Foreign values of every kind are ignored, however they are written."""
    rng = np.random.default_rng(rng_seed)

    def value(depth: int):
        kind = rng.integers(0, 8 if depth else 6)
        if kind == 6:
            return [value(depth - 1) for _ in range(rng.integers(0, 5))]
        if kind == 7:
            return {text(): value(depth - 1) for _ in range(rng.integers(0, 5))}
        return [None, True, int(rng.integers(-(2**62), 2**62)), float(rng.standard_normal() * 10.0 **
                float(rng.integers(-300, 300))), text(), 0][kind]

    def text() -> str:
        letters = 'abcü"\\/\b\n\t{}[]:,\u2028\U0001f600 0-eE.'
        return "".join(rng.choice(list(letters), rng.integers(0, 8)))

    for number in range(300):
        foreign = {"training": {"optimizer": "AdamW", "learning_rate": 1}, "foreign": value(6)}
        read(json.dumps(foreign, ensure_ascii=bool(number % 2), indent=number % 3 or None))


# ---- A dict becomes JSON

class Text(str):
    pass


@pytest.mark.parametrize("section, path", [
    ({"lr": float("nan")}, "muon.lr"), ({"lr": float("inf")}, "muon.lr"), ({"lr": 10**400}, "muon.lr"),
    ({"lr": np.longdouble("1e400")}, "muon.lr"), ({"lr": 1e39}, "muon.lr"),
    ({"backend_steps": 10**30}, "muon.backend_steps"), ({1: 2}, "muon.1"), ({None: 2}, "muon.None"),
    ({("lr",): 2}, "muon.tuple"), ({"\ud800": 1}, r"muon.\\ud800"), ({"lr\0": 1}, r"muon.lr\u0000"),
    ({"backend": "\ud800"}, r"\\ud800"), ({"lr": {"a": {}}}, "muon.lr"),
])
def test_what_json_cannot_say(section, path):
    config = {"training": {"optimizer": "Muon", "learning_rate": 0.1}, "muon": section}
    with pytest.raises(libmuon.ConfigError, match=re.escape(path.replace("\\\\", "\\"))):
        libmuon.build_optimizers([np.ones((2, 2), np.float32)], config)


def test_foreign_values_of_a_dict():
    """None of them is followed further than ours go."""
    deep: list = []
    deep.append(deep)
    nested: dict = {}
    for _ in range(5000):
        nested = {"a": nested}
    foreign = {"deep": deep, "nested": nested, "nan": float("nan"), "inf": [float("inf")], 5: 1, None: 2,
               "\ud800": "\udfff", "big": 10**400, "object": object(), Text("text"): Text("x")}
    config = {"training": {"optimizer": "Muon", "learning_rate": 0.1, **foreign}, **foreign}
    muon, = libmuon.build_optimizers([np.ones((2, 2), np.float32)], config)
    assert muon.param_groups[0]["lr"] == 0.1
