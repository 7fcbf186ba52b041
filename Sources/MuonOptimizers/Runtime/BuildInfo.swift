internal import COpenBLAS

/// What was built, and what it runs on.
public enum BuildInfo {
  /// Major, minor and patch.
  package static let version = (major: 0, minor: 1, patch: 0)

  package static var versionText: String { "\(version.major).\(version.minor).\(version.patch)" }

  /// One line: the library's version, the instructions it uses, OpenBLAS's version, and the core that
  /// OpenBLAS chose its kernels for.
  public static var description: String {
    let blas = unsafe String(cString: openblas_get_config())
    let core = unsafe String(cString: openblas_get_corename())
    return "libmuon \(versionText); \(CPU.name); \(blas); core \(core)"
  }
}
