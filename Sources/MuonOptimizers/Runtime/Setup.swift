/// What is wrong with how the process was set up.
enum Setup {
  static var warnings: [String] {
    [Threads.environment.warning, Kernels.environment.warning].compactMap { $0 }
      + ProductKernel.warnings
  }

  /// The same of OpenBLAS, where it is loaded.
  static var slowOpenBLAS: String? {
    guard let functions = OpenBLAS.loaded else { return nil }
    let core = OpenBLAS.core(functions)
    guard Kernels.processorLevel != Kernels.lowestLevel,
      OpenBLAS.isOld(core)
    else { return nil }
    return
      "OpenBLAS runs its kernels for \(core) on a processor with \(Kernels.processorLevel): backend svd is "
      + "several times slower than it could be; try OPENBLAS_CORETYPE=Haswell in the environment, or a newer OpenBLAS"
  }
}
