extension OpenBLAS {
  /// OpenBLAS's kernels for x86 processors of the lowest level. It falls back on one of them where it does not
  /// know a processor, and takes one that OPENBLAS_CORETYPE names.
  private static var oldCores: [String] {
    [
      "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn",
      "Dunnington", "Nehalem", "Sandybridge", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona",
      "Bobcat", "Bulldozer", "Piledriver", "Steamroller", "Nano", "Generic",
    ]
  }

  /// Whether its kernels are for processors far older than today's.
  static func isOld(_ core: String) -> Bool {
    oldCores.contains { $0.lowercased() == core.lowercased() }
  }
}
