/// The optimizers and schedulers that a checkpoint is of.
struct TrainingRun {
  let optimizers: [Optimizer]
  let schedulers: [Scheduler]
  /// By scheduler: the indices of the optimizers it drives.
  let driven: [[Int]]

  init(_ optimizers: [Optimizer], _ schedulers: [Scheduler]) throws(MuonError) {
    guard !optimizers.isEmpty else {
      throw MuonError(.invalidArgument, "a checkpoint needs at least one optimizer")
    }
    try TrainingRun.requireDistinct(optimizers, "optimizer")
    try TrainingRun.requireDistinct(schedulers, "scheduler")
    var driven: [[Int]] = []
    for (number, scheduler) in schedulers.enumerated() {
      var indices: [Int] = []
      for optimizer in scheduler.optimizers {
        guard let index = optimizers.firstIndex(where: { $0 === optimizer }) else {
          throw MuonError(
            .invalidArgument,
            "scheduler \(number) drives an optimizer that is not among those given")
        }
        indices.append(index)
      }
      driven.append(indices)
    }
    (self.optimizers, self.schedulers, self.driven) = (optimizers, schedulers, driven)
    try TrainingRun.requireMemoryForTexts(optimizers)
    for (number, optimizer) in optimizers.enumerated() {
      try TrainingRun.requireDifferentNames(optimizer, number)
    }
  }

  private static func requireDistinct(
    _ objects: [some AnyObject], _ what: String
  ) throws(MuonError) {
    var seen: Set<ObjectIdentifier> = []
    for (index, object) in objects.enumerated() {
      guard seen.insert(ObjectIdentifier(object)).inserted else {
        throw MuonError(.invalidArgument, "\(what) \(index) is there twice")
      }
    }
  }

  /// The name of a parameter is in up to eight keys of a checkpoint's header, which grows by doubling.
  private static func requireMemoryForTexts(_ optimizers: [Optimizer]) throws(MuonError) {
    var bytes = 0
    for optimizer in optimizers {
      bytes += 4096 * optimizer.groupCount
      for member in optimizer.trained { bytes += 4096 + 32 * member.parameter.name.utf8.count }
    }
    try requireMemory(for: bytes, each: 1)
  }

  /// A checkpoint finds parameters by their names.
  private static func requireDifferentNames(
    _ optimizer: Optimizer, _ number: Int
  ) throws(MuonError) {
    var seen: Set<[UInt8]> = []
    for member in optimizer.trained {
      guard seen.insert(Array(member.parameter.name.utf8)).inserted else {
        throw MuonError(
          .invalidArgument,
          "two parameters of optimizer \(number) are named \"\(member.parameter.name)\"; a "
            + "checkpoint needs a name for each")
      }
    }
  }
}
