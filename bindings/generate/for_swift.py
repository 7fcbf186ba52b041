"""What Swift only repeats: the names of statuses, and the version."""

from __future__ import annotations

from model import Header

STATUS_NAME = """\
// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon

@c @implementation
public func muon_status_name(_ status: muon_status) -> UnsafePointer<CChar>? {{
  switch status {{
{cases}
  default: unsafe constant("MUON_ERR_UNKNOWN")
  }}
}}
"""

VERSION = """\
extension BuildInfo {{
  /// Major, minor and patch.
  package static let version = (major: {0}, minor: {1}, patch: {2})
}}
"""


def status_name(header: Header) -> str:
    statuses = header.enums["muon_status"].values
    return STATUS_NAME.format(cases="\n".join(
        f'  case {each.name}: unsafe constant("{each.name}")' for each in statuses))


def version(header: Header) -> str:
    return VERSION.format(*header.version.split("."))
