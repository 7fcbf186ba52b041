/// What was built, and what it runs on.
public enum BuildInfo {
  package static var versionText: String { "\(version.major).\(version.minor).\(version.patch)" }

  /// One line of parts between "; ": the library's version; the instructions it uses; its kernels for
  /// products, of float32 and of what else there is one for; what the processor has; OpenBLAS's version;
  /// and the core that OpenBLAS chose its kernels for, or else that it could not be loaded: this loads it.
  /// For people: parts may be added.
  public static var description: String {
    let blas: [String]
    do throws(MuonError) {
      let functions = try OpenBLAS.load()
      blas = [OpenBLAS.configuration(functions), "core \(OpenBLAS.core(functions))"]
    } catch {
      blas = ["OpenBLAS could not be loaded"]
    }
    let parts = [
      "libmuon \(versionText)", Kernels.level,
      "kernels \(ProductKernel.all.map(\.name).joined(separator: ", "))",
      "processor \(Processors.features.isEmpty ? Kernels.lowestLevel : Processors.features)",
    ]
    return (parts + blas).joined(separator: "; ")
  }
}
