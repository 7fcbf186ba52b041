// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
extension BuildInfo {
  /// Major, minor and patch.
  package static let version = (major: 0, minor: 2, patch: 0)
}
