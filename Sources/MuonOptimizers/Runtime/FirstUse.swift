internal import CMuonKernels
internal import Synchronization

/// What is made when it is first used. Swift makes it under a lock that a fork does not wait for: in a child
/// that was forked just then, it stays taken. So C's first call makes it all, and forks wait for that.
package enum FirstUse {
  package static func prepare() {
    Threads.prepare()
    Pool.prepare()
    BLASThreads.prepare()
    OpenBLAS.prepare()
    Log.prepare()
    let pass = unsafe unsafeBitCast(Kernels.passes.sum_of_squares, to: UInt.self)
    note(((try? Muon())?.groupCount ?? 0) + ((try? AdamW())?.groupCount ?? 0))
    note(
      ProductKernel.all.reduce(0) { $0 + $1.suited(toSide: 1).name.utf8.count }
        + Int(pass & 1) + CheckpointFormat.constants.count
        + Kernels.level.utf8.count + Kernels.processorLevel.utf8.count
        + MuonOptions.options.count + AdamWOptions.options.count
        + OrthogonalizeOptions.options.count
        + Backend.named.reduce(0) { $0 + ((try? $1.table())?.ownSteps ?? 0) })
  }

  /// Takes what was made of something: the compiler leaves out what nobody wants.
  package static func note(_ count: Int) { made.wrappingAdd(count, ordering: .relaxed) }

  private static let made = Atomic<Int>(0)
}
