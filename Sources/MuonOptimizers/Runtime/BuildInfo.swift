internal import COpenBLAS

/// What was built, and what it runs on.
public enum BuildInfo {
  package static var versionText: String { "\(version.major).\(version.minor).\(version.patch)" }

  /// One line of parts between "; ": the library's version; the instructions it uses; its kernels for
  /// products of float32, and of bfloat16 where there is one; what the processor has; OpenBLAS's version;
  /// and the core that OpenBLAS chose its kernels for. For people: parts may be added.
  public static var description: String {
    let blas = unsafe String(cString: openblas_get_config())
    let core = unsafe String(cString: openblas_get_corename())
    let bf16 = ProductKernel.bf16.map { ", \($0.name)" } ?? ""
    return [
      "libmuon \(versionText)", CPU.name,
      "kernels \(ProductKernel.f32.name)\(bf16)",
      "processor \(CPU.features.isEmpty ? "without AVX2" : CPU.features)", blas, "core \(core)",
    ].joined(separator: "; ")
  }
}
