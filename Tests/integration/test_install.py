"""make install and make uninstall: what is installed builds programs, wherever it is moved to."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from building import RELEASE, ROOT, run
from documents import accuracy, readme_blocks
from header import read

DIGITS = ROOT / "bindings/data/digits.bin"
VERSION = read().version
MAJOR, MINOR, PATCH = map(int, VERSION.split("."))
# Without what would find the library in another way, and what an outer make hands down.
HIDDEN = {"LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH", "DESTDIR", "MAKEFLAGS"}
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in HIDDEN}


def make(*arguments: object) -> str:
    return run(["make", *arguments], env=ENVIRONMENT)


def files(folder: Path) -> set[str]:
    """Everything below a folder that is not a folder."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or p.is_file()}


def checkout(folder: Path) -> Path:
    """A folder that looks like the repository; what is built there stays there."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != "build":
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A tree that was installed for one place and moved to another."""
    folder = tmp_path_factory.mktemp("install")
    make("install", f"DESTDIR={folder}/stage", "PREFIX=/opt/muon")
    shutil.move(folder / "stage/opt/muon", folder / "moved")
    shutil.rmtree(folder / "stage")
    return folder / "moved"


@pytest.fixture
def outside(tmp_path) -> Path:
    """The examples, away from the repository."""
    for name in "c", "cpp":
        shutil.copytree(ROOT / "bindings" / name, tmp_path / name)
    return tmp_path


def pkg_config(libdir: Path, *arguments: str) -> list[str]:
    environment = {**ENVIRONMENT, "PKG_CONFIG_PATH": f"{libdir}/pkgconfig"}
    return run(["pkg-config", *arguments, "muon"], env=environment).split()


def test_what_is_installed(installed):
    headers = {f"include/{each}" for each in files(ROOT / "include")}
    assert files(installed) == headers - {"include/module.modulemap"} | {
        "lib/libmuon.so",
        "lib/libmuon.so.0",
        f"lib/libmuon.so.{VERSION}",
        "lib/pkgconfig/muon.pc",
        "lib/cmake/muon/muon-config.cmake",
        "lib/cmake/muon/muon-config-version.cmake",
        "share/doc/libmuon/LICENSE",
        "share/doc/libmuon/NOTICE",
    }
    lib = installed / "lib"
    assert os.readlink(lib / "libmuon.so") == "libmuon.so.0"
    assert os.readlink(lib / "libmuon.so.0") == f"libmuon.so.{VERSION}"
    assert (lib / "libmuon.so").read_bytes() == (RELEASE / "libmuon.so").read_bytes()
    assert "soname: [libmuon.so.0]" in run(["readelf", "-d", lib / "libmuon.so"])
    for path in installed.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.parent != lib:
            assert path.stat().st_mode & 0o777 == 0o644, path
            text = path.read_text()
            assert "/opt/muon" not in text and str(ROOT) not in text and "@" not in text, path


@pytest.mark.parametrize(
    ("language", "compiler"), [("c", "gcc -std=c11"), ("cpp", "g++ -std=c++17")])
def test_pkg_config(installed, outside, language, compiler):
    assert pkg_config(installed / "lib", "--modversion") == [VERSION]
    sources = sorted((outside / language).glob(f"*.{language}"))
    flags = pkg_config(installed / "lib", "--cflags", "--libs")
    rpath = f"-Wl,-rpath,{installed}/lib"
    program = outside / "digits"
    run([*compiler.split(), "-O2", *sources, *flags, rpath, "-lm", "-o", program],
        cwd=outside, env=ENVIRONMENT)
    assert accuracy(run([program, DIGITS], cwd=outside, env=ENVIRONMENT)) >= 0.92


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_cmake(installed, outside, language):
    source, build = outside / language, outside / "build"
    run(["cmake", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
         f"-DCMAKE_PREFIX_PATH={installed}"], cwd=outside, env=ENVIRONMENT)
    run(["cmake", "--build", build], cwd=outside, env=ENVIRONMENT)
    assert accuracy(run([build / "digits", DIGITS], cwd=outside, env=ENVIRONMENT)) >= 0.92


def test_cmake_versions(installed, tmp_path):
    will_do = [
        "", f"{MAJOR}", f"{MAJOR}.{MINOR}", VERSION, f"{VERSION} EXACT",
        f"{MAJOR}.{MINOR}...{MAJOR + 1}", f"{MAJOR}.0...{VERSION}",
    ]
    will_not = [
        f"{MAJOR + 1}", f"{MAJOR}.{MINOR + 1}", f"{MAJOR}.{MINOR}.{PATCH + 1}",
        f"{MAJOR}.{MINOR}0", f"{MAJOR}.{MINOR}.{PATCH + 1} EXACT", f"{MAJOR}.0...<{VERSION}",
        f"{MAJOR}.{MINOR + 1}...{MAJOR + 2}",
    ]
    if MINOR > 0:
        will_do.append(f"{MAJOR}.{MINOR - 1}")
    lines = ["cmake_minimum_required(VERSION 3.19)", "project(versions LANGUAGES NONE)"]
    for version in will_do + will_not:
        lines.append(f"find_package(muon {version} QUIET)")
        lines.append(f'message("[{version}] ${{muon_FOUND}} ${{muon_VERSION}}")')
    (tmp_path / "CMakeLists.txt").write_text("\n".join(lines))
    printed = run(["cmake", "-S", tmp_path, "-B", tmp_path / "build",
                   f"-DCMAKE_PREFIX_PATH={installed}"], env=ENVIRONMENT)
    found = re.findall(r"^\[(.*)\] (\d)", printed, re.MULTILINE)
    assert [version for version, _ in found] == will_do + will_not
    assert [version for version, yes in found if yes == "1"] == will_do
    assert f"[] 1 {VERSION}" in printed


def test_other_folders(tmp_path):
    """A distribution's layout: LIBDIR is deeper than usual, INCLUDEDIR has a folder of its own."""
    folders = ["PREFIX=/usr", "LIBDIR=/usr/lib/x86_64-linux-gnu",
               "INCLUDEDIR=/usr/include/libmuon", "DOCDIR=/usr/share/doc/libmuon0"]
    make("install", f"DESTDIR={tmp_path}/stage", *folders)
    moved = (tmp_path / "stage/usr").rename(tmp_path / "moved")
    libdir = moved / "lib/x86_64-linux-gnu"
    assert (moved / "include/libmuon/muon.hpp").exists()
    assert (moved / "share/doc/libmuon0/LICENSE").exists()
    [prefix] = pkg_config(libdir, "--variable=prefix")
    assert Path(prefix).resolve() == moved

    [example] = readme_blocks("cpp", "bindings/cpp")
    (tmp_path / "main.cpp").write_text(example)
    flags = pkg_config(libdir, "--cflags", "--libs")
    run(["g++", "-std=c++17", "main.cpp", *flags, f"-Wl,-rpath,{libdir}", "-o", "by-pkg-config"],
        cwd=tmp_path, env=ENVIRONMENT)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(example LANGUAGES CXX)\n"
        "find_package(muon REQUIRED)\nadd_executable(by-cmake main.cpp)\n"
        "target_compile_features(by-cmake PRIVATE cxx_std_17)\n"
        "target_link_libraries(by-cmake muon::muon)\n")
    run(["cmake", ".", f"-DCMAKE_PREFIX_PATH={moved}"], cwd=tmp_path, env=ENVIRONMENT)
    run(["cmake", "--build", "."], cwd=tmp_path, env=ENVIRONMENT)
    for program in "by-pkg-config", "by-cmake":
        run([tmp_path / program], env=ENVIRONMENT)


@pytest.mark.parametrize("libdir", [[], ["LIBDIR=/opt/a b/lib64"]], ids=["lib", "lib64"])
def test_uninstall_leaves_what_others_put_there(tmp_path, libdir):
    place = [f"DESTDIR={tmp_path}", "PREFIX=/opt/a b", *libdir]
    for other in "lib/libother.so", "include/muon/other.hpp", "lib/pkgconfig/other.pc":
        path = tmp_path / "opt/a b" / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(other)
    before = files(tmp_path)
    make("install", *place)
    make("install", *place)
    assert len(files(tmp_path)) > len(before) + 20
    make("uninstall", *place)
    assert files(tmp_path) == before
    ours = [p for p in tmp_path.rglob("*") if p.is_dir() and "muon" in p.name]
    assert ours == [tmp_path / "opt/a b/include/muon"]
    make("uninstall", *place)


def test_installing_builds_only_what_is_missing(tmp_path):
    assert "swift" not in make("-n", "install", f"DESTDIR={tmp_path}")
    assert "swift build" in make("-n", "install", f"DESTDIR={tmp_path}", f"LIBRARY={tmp_path}/none")
    assert not files(tmp_path)


def test_the_commands_of_the_readmes(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    root = checkout(tmp_path / "checkout")
    c, cpp = readme_blocks("sh", "bindings/c"), readme_blocks("sh", "bindings/cpp")
    remove = [block for block in c if "uninstall" in block]
    script = [*(block for block in c if block not in remove), *cpp, *remove]
    printed = run(["bash", "-e", "-c", "".join(script)], cwd=root,
                  env={**ENVIRONMENT, "HOME": str(home)})
    assert len(re.findall(r"^test accuracy 0\.9", printed, re.MULTILINE)) == 6
    assert not files(home)
