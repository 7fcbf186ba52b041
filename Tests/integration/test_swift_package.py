"""MuonOptimizers as another package's dependency: by path, by version, and by its documents."""

from __future__ import annotations

import json
import re

import pytest
import swift_consumer
from building import ROOT, run
from header import read


def test_the_public_api_by_path(consumer):
    assert run([consumer / "Usage"]).startswith("libmuon 0.")


@pytest.mark.parametrize("name", swift_consumer.DOCUMENTS)
def test_the_code_of_a_document_runs(consumer, name, tmp_path):
    """Where a document says what is printed, that is what is printed."""
    code = swift_consumer.document_code(name)
    said = re.findall(r"print\(.*\) +(?:} +)?// (.+)$", code, re.MULTILINE)
    assert said or name != "Tour"
    printed = run([consumer / name], cwd=tmp_path)
    if said:
        assert printed.splitlines() == said


def test_the_public_api_by_version(tmp_path):
    """A repository of the files that are or would be committed, tagged with the version."""
    version = read().version
    repository = tmp_path / "libmuon"
    git = ["git", "--git-dir", repository / ".git", "--work-tree", ROOT]
    run(["git", "init", "--quiet", repository])
    run([*git, "add", "--all"])
    run([*git, "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "gpg.sign=false",
         "commit", "--quiet", "--no-verify", "--message", "test"])
    run([*git, "tag", version])

    package = tmp_path / "consumer"
    swift_consumer.write(package)
    manifest = package / "Package.swift"
    by_path = '.package(name: "libmuon", path: "../..")'
    by_version = f'.package(url: "{repository.as_uri()}", exact: "{version}")'
    assert manifest.read_text().count(by_path) == 1
    manifest.write_text(manifest.read_text().replace(by_path, by_version))
    # A debug build: the path's is optimized.
    run(["swift", "build", "--product", "Usage", "--package-path", package,
         "--cache-path", tmp_path / "cache"])

    [pin] = json.loads((package / "Package.resolved").read_text())["pins"]
    assert (pin["identity"], pin["state"]["version"]) == ("libmuon", version)
    built = package / ".build" / "debug"
    assert run([built / "Usage"]).startswith(f"libmuon {version};")
    # The documentation beside the sources is not a resource of the program.
    assert not [*built.glob("*.resources"), *built.glob("*.bundle")]
