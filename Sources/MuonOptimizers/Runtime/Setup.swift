/// What is wrong with how the process was set up.
enum Setup {
  static var warnings: [String] {
    [Threads.environment.warning, Kernels.environment.warning].compactMap { $0 }
  }

  /// OpenBLAS's kernels for x86 processors of the lowest level. It falls back on one of them where it does not
  /// know a processor, and takes one that OPENBLAS_CORETYPE names.
  private static var oldCores: [String] {
    [
      "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn",
      "Dunnington", "Nehalem", "Sandybridge", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona",
      "Bobcat", "Bulldozer", "Piledriver", "Steamroller", "Nano", "Generic",
    ]
  }

  /// The same of OpenBLAS, where it is loaded.
  static var slowOpenBLAS: String? {
    guard let functions = OpenBLAS.loaded else { return nil }
    let core = OpenBLAS.core(functions)
    guard Kernels.processorLevel != Kernels.lowestLevel,
      oldCores.contains(where: { $0.lowercased() == core.lowercased() })
    else { return nil }
    return
      "OpenBLAS runs its kernels for \(core) on a processor with \(Kernels.processorLevel): backend svd is "
      + "several times slower than it could be; try OPENBLAS_CORETYPE=Haswell in the environment, or a newer OpenBLAS"
  }
}

/// A setting from the environment: its value if it has one that can be used, and what to say if it has
/// one that cannot.
struct EnvironmentSetting<Value> {
  var value: Value? = nil
  var warning: String? = nil
}
