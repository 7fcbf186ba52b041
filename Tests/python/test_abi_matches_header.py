"""The ctypes tables against include/muon.h, the C compiler, and the symbols of the library."""

from __future__ import annotations

import ctypes
import inspect
import re
import subprocess

import pytest

from libmuon import _abi, _enums, _library

SCALARS = {
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "size_t": ctypes.c_size_t,
    "double": ctypes.c_double,
}
HANDLES = {
    "muon_optimizer": _abi.OptimizerHandle,
    "muon_schedule": _abi.ScheduleHandle,
    "muon_scheduler": _abi.SchedulerHandle,
}
STRUCTS = {
    "muon_coefficients": _abi.Coefficients,
    "muon_orthogonalize_options": _abi.OrthogonalizeOptions,
    "muon_param": _abi.Param,
    "muon_muon_options": _abi.MuonOptions,
    "muon_adamw_options": _abi.AdamWOptions,
    "muon_route": _abi.Route,
    "muon_checkpoint_options": _abi.CheckpointOptions,
    "muon_param_statistics": _abi.ParamStatistics,
}
ENUMS = {
    "muon_status": (_enums.Status, "MUON_ERR_"),
    "muon_backend": (_enums.Backend, "MUON_BACKEND_"),
    "muon_precision": (_enums.Precision, "MUON_PRECISION_"),
    "muon_method": (_enums.Method, "MUON_METHOD_"),
    "muon_dtype": (_enums.DType, "MUON_DTYPE_"),
    "muon_buffer": (_enums.Buffer, "MUON_BUFFER_"),
    "muon_optimizer_kind": (_enums.OptimizerKind, "MUON_OPTIMIZER_"),
    "muon_momentum_style": (_enums.MomentumStyle, "MUON_MOMENTUM_"),
    "muon_shape_scale": (_enums.ShapeScale, "MUON_SCALE_"),
    "muon_nonfinite_policy": (_enums.NonFinitePolicy, "MUON_NONFINITE_"),
    "muon_route_reason": (_enums.RouteReason, "MUON_ROUTE_"),
    "muon_statistics": (_enums.StatisticsLevel, "MUON_STATISTICS_"),
    "muon_log_level": (_enums.LogLevel, "MUON_LOG_"),
}


@pytest.fixture(scope="module")
def code(header):
    """The header without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    return re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.M)


@pytest.fixture(scope="module")
def prototypes(code):
    """(name, result, arguments) of every function, as C text."""
    found = re.findall(r"([\w ]+?[\s*]+)(muon_\w+)\(([^()]*)\)\s*;", code)
    assert len(found) > 50
    return [
        (name, result.strip(), [] if arguments.strip() == "void" else arguments.split(","))
        for result, name, arguments in found
    ]


def ctype_of(declaration: str, named: bool):
    """The ctypes type of a C declaration such as "const float *g"."""
    words = re.findall(r"\w+|\*", declaration)
    words = [word for word in words if word not in ("const", "enum", "struct")]
    if named:
        words.pop()
    base, stars = words[0], words.count("*")
    assert len(words) == 1 + stars, declaration
    if (base, stars) == ("char", 1):
        return ctypes.c_char_p
    if base in ("float", "void"):
        assert stars == 1
        return ctypes.c_void_p
    if base == "muon_log_callback":
        kind = _abi.LogCallback
    elif base in HANDLES:
        kind, stars = HANDLES[base], stars - 1
    elif base in ENUMS:
        kind = ctypes.c_int
    else:
        kind = {**SCALARS, **STRUCTS}[base]
    for _ in range(stars):
        kind = ctypes.POINTER(kind)
    return kind


def test_functions_are_the_headers(prototypes):
    table = [(name, restype, argtypes) for name, restype, argtypes in _abi.PROTOTYPES]
    expected = [
        (name, ctype_of(result, named=False), [ctype_of(each, named=True) for each in arguments])
        for name, result, arguments in prototypes
    ]
    assert [name for name, _, _ in table] == [name for name, _, _ in expected]
    for ours, theirs in zip(table, expected):
        assert ours == theirs


def test_the_declarations_beside_the_table_are_the_headers(code):
    def words(text):
        return re.findall(r"\w+|[^\s\w]", text)

    listing = inspect.getsource(_abi).split("PROTOTYPES", 1)[1]
    comments = "\n".join(re.findall(r"^ +# (?!----)(.*)$", listing, flags=re.M))
    declared = [words(each) for each in re.findall(r"[^;]*\([^()]*\)\s*;", comments)]
    header = [
        words(result + name + f"({arguments});")
        for result, name, arguments in re.findall(
            r"([\w ]+?[\s*]+)(muon_\w+)\(([^()]*)\)\s*;", code
        )
    ]
    assert declared == header


def test_enums_are_the_headers(code):
    found = re.findall(r"typedef enum (\w+) \{(.*?)\}", code, flags=re.S)
    assert {name for name, _ in found} == set(ENUMS)
    for name, body in found:
        enum, prefix = ENUMS[name]
        values = {
            key.removeprefix(prefix).removeprefix("MUON_").lower(): int(value)
            for key, value in re.findall(r"(MUON_\w+) = (\d+)", body)
        }
        assert values == {member.name: member.value for member in enum}, name


def test_every_status_has_its_exception_and_name():
    from libmuon import errors

    for status in _enums.Status:
        if status != _enums.Status.ok:
            assert errors.BY_STATUS[status].status == status
            text = _library.lib.muon_status_name(status).decode()
            assert text == f"MUON_ERR_{status.name.upper()}"
    assert _library.lib.muon_status_name(0) == b"MUON_OK"
    assert _library.lib.muon_status_name(99) == b"MUON_ERR_UNKNOWN"


def test_structs_are_the_compilers(code, root, tmp_path):
    found = re.findall(r"typedef struct (\w+) \{", code)
    assert set(found) == set(STRUCTS)
    lines = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            lines.append(
                f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), '
                f"sizeof((({name} *)0)->{field}));"
            )
    lines += [f'printf("{name} %zu\\n", sizeof({name}));' for name in ENUMS]
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <muon.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(lines) + "\n}\n"
    )
    program = tmp_path / "layout"
    subprocess.run(["cc", "-I", root / "include", source, "-o", program], check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    compiler = dict(line.split(" ", 1) for line in printed.splitlines())

    ours = {name: str(ctypes.sizeof(ctypes.c_int)) for name in ENUMS}
    for name, struct in STRUCTS.items():
        ours[name] = str(ctypes.sizeof(struct))
        for field, *_ in struct._fields_:
            slot = getattr(struct, field)
            ours[f"{name}.{field}"] = f"{slot.offset} {slot.size}"
    assert ours == compiler


def test_version_is_the_headers(header):
    import libmuon

    parts = re.findall(r"#define MUON_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)
    assert libmuon.__version__ == ".".join(parts)
    major, minor, patch = map(int, parts)
    number = _library.lib.muon_version_number()
    assert number == major * 10000 + minor * 100 + patch
    assert libmuon.__version__ in libmuon.build_info()


def test_library_exports_the_header_and_nothing_else(prototypes):
    printed = subprocess.run(
        ["nm", "-D", "--defined-only", _library.path], check=True, capture_output=True, text=True
    ).stdout
    # Type A is the version node itself.
    symbols = [line.split() for line in printed.splitlines()]
    names = {name.split("@")[0] for *_, kind, name in symbols if kind != "A"}
    assert names == {name for name, _, _ in prototypes}
