"""What is in the wheel: the package, the library, what that needs, and every licence of it."""

from __future__ import annotations

import email
import fnmatch
import re
import zipfile

import pytest
from commands import ROOT
from header import read

PROJECT = ROOT / "bindings" / "python"
PACKAGE = PROJECT / "src" / "libmuon"


@pytest.fixture(scope="module")
def files(wheel):
    """What is in the wheel, by name."""
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def version():
    """As muon.h has it."""
    return read().version


@pytest.fixture(scope="module")
def information(files, version):
    """The files of the wheel's .dist-info."""
    prefix = f"libmuon-{version}.dist-info/"
    return {name[len(prefix) :]: data for name, data in files.items() if name.startswith(prefix)}


def test_it_is_for_any_python_on_one_platform(wheel, information, version):
    name = rf"libmuon-{re.escape(version)}-(py3-none-manylinux_2_\d+_x86_64)\.whl"
    (tag,) = re.fullmatch(name, wheel.name).groups()
    # Of Debian 12, whose own is 2.36; see Sources/CMuonShims/hypotf.c.
    assert int(tag.split("_")[2]) <= 34
    about = information["WHEEL"].decode().splitlines()
    assert f"Tag: {tag}" in about and "Root-Is-Purelib: false" in about


def test_the_package_is_whole_and_nothing_else_is_there(files):
    modules = {f"libmuon/{path.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*.py")}
    besides = {"libmuon/py.typed", "libmuon/lib/libmuon.so.0", "libmuon/lib/libmuon_xla.so"}
    packaging = re.compile(r"libmuon(\.libs|-[\d.]+\.dist-info)/")
    assert {name for name in files if not packaging.match(name)} == modules | besides


def test_what_is_bundled_has_its_licence(files, information):
    listed = (PROJECT / "licenses" / "bundled.txt").read_text()
    patterns = set(re.findall(r"^Files: (\S+)$", listed, re.MULTILINE))
    libraries = {name for name in files if ".so" in name}
    for name in libraries:
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name
    for pattern in patterns:
        assert fnmatch.filter(libraries, pattern), pattern
    for texts in re.findall(r"^License: .*\((.*)\)$", listed, re.MULTILINE):
        for text in texts.split(", "):
            assert len(information[f"licenses/licenses/{text}"]) > 1000


def test_our_licence_and_notice_are_there(information):
    for name in "LICENSE", "NOTICE":
        assert information[f"licenses/{name}"] == (ROOT / name).read_bytes()


def test_metadata(information, version):
    about = email.message_from_bytes(information["METADATA"])
    assert (about["Name"], about["Version"]) == ("libmuon", version)
    assert about["License-Expression"].startswith("MIT AND ")
    assert about["Requires-Python"] == ">=3.9"
    needed = [each for each in about.get_all("Requires-Dist") if "extra ==" not in each]
    assert needed == ["numpy"]
    description = about.get_payload(decode=True).decode("utf-8")
    assert description.strip() == (PROJECT / "README.md").read_text("utf-8").strip()
    listed = (PROJECT / "licenses" / "bundled.txt").read_text()
    for expression in re.findall(r"^License: (.*?) \(", listed, re.MULTILINE):
        for part in expression.split(", parts "):
            assert part in about["License-Expression"].split(" AND ")


def test_no_path_of_the_machine_that_made_it(files):
    assert [name for name, data in files.items() if bytes(ROOT) in data] == []
