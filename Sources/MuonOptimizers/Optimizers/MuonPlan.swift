/// How Muon makes the step of one matrix, as far as that does not change from step to step.
struct MuonPlan {
  let orthogonalization: OrthogonalizationPlan
  /// The memory to make the step and to measure it.
  let scratchSize: OrthogonalizationScratch.Size
  /// Where in its floats the memory to measure it begins.
  let measuringStart: Int
  /// O, where the present step has worked it out ahead.
  var solved: Buffer<Float>? = nil

  init(
    _ shape: Shape, _ orthogonalizer: Orthogonalizer, _ options: MuonOptions,
    measuring level: StatisticsLevel
  ) throws(MuonError) {
    orthogonalization = try orthogonalizer.plan(rows: shape.rows, columns: shape.columns)
    var size = orthogonalization.scratchSize
    if let lines = options.secondMoment.lines(rows: shape.rows, columns: shape.columns) {
      size.sums = max(size.sums, lines == .rows ? shape.rows : shape.columns)
    }
    measuringStart = onCacheLine(size.floats)
    if level != .none, shape.count > 0 {
      size.floats =
        try measuringStart
        + Muon.MeasuringScratch.count(shape, orthogonality: level == .orthogonality)
    }
    scratchSize = size
  }

  var cost: Double { orthogonalization.cost }
  var canFail: Bool { orthogonalization.canFail }
}
