/// How Muon makes the step of the matrices of one block of a parameter's view, as far as that does not change from
/// step to step.
final class MuonPlan {
  /// Its index in the optimizer.
  let parameter: Int
  let shape: Shape
  let orthogonalization: OrthogonalizationPlan
  /// The memory to make the step and to measure it.
  let scratchSize: OrthogonalizationScratch.Size
  /// Where in its floats the memory to measure it begins.
  let measuringStart: Int
  /// The same of copies of what lies apart or is of another type; `nil` where nothing is.
  let gatheringStart: Int?

  let matrices: MatrixLayout
  let block: Int
  /// Of `second_momentum` and `radius`, where there are any.
  let secondMomentum, radius: MatrixLayout?
  /// The elements, chunks and short sides of one index of the batch, and of its blocks before this one.
  private let all, before: Extent

  private struct Extent {
    var (elements, chunks, sides) = (0, 0, 0)

    mutating func add(_ shape: Shape) {
      elements += shape.count
      chunks += Matrix.chunks(of: shape.count)
      sides += shape.shortSide
    }
  }

  init(
    _ parameter: Int, _ matrices: MatrixLayout, block: Int, _ storage: ParameterStorage,
    _ orthogonalizer: Orthogonalizer, _ options: MuonOptions, measuring level: StatisticsLevel
  ) throws(MuonError) {
    (self.parameter, self.matrices, self.block) = (parameter, matrices, block)
    shape = matrices.blocks[block].shape
    secondMomentum = options.secondMoment.layout(of: matrices)
    radius = options.hyperball ? matrices.reduced(rows: false, columns: false) : nil
    var all = Extent()
    var before = Extent()
    for (index, each) in matrices.blocks.enumerated() {
      if index == block { before = all }
      all.add(each.shape)
    }
    (self.all, self.before) = (all, before)

    orthogonalization = try orthogonalizer.plan(rows: shape.rows, columns: shape.columns)
    var size = orthogonalization.scratchSize
    let lines = options.secondMoment.lines(rows: shape.rows, columns: shape.columns)
    if let lines { size.sums = max(size.sums, lines == .rows ? shape.rows : shape.columns) }
    measuringStart = onCacheLine(size.floats)
    if level != .none, shape.count > 0 {
      size.floats =
        try measuringStart
        + Muon.MeasuringScratch.count(shape, orthogonality: level == .orthogonality)
    }
    let copies = MuonPlan.copies(
      of: shape, storage, isDense: matrices.blocks[block].matrix.isDense)
    gatheringStart = copies == 0 ? nil : onCacheLine(size.floats)
    if copies > 0 { size.floats = onCacheLine(size.floats) + copies }
    scratchSize = size
  }

  /// The floats that `matrix` takes for copies.
  private static func copies(
    of shape: Shape, _ storage: ParameterStorage, isDense: Bool
  ) -> Int {
    let isWidened = storage.elements != .float32
    let master = isWidened ? storage.master : .none
    var copies = 0
    if isWidened && master != .float32 { copies += shape.count }
    if storage.momentum != .float32 { copies += shape.count }
    guard !isDense else { return copies }
    func floats(_ type: ElementType) -> Int { Numbers.floats(for: shape.count, type) }
    // A gradient for one step may be float32 whatever others are.
    copies += floats(storage.elements) + floats(.float32) + floats(storage.momentum)
    if master == .float32 { copies += shape.count }
    if master == .remainder { copies += floats(.int16) }
    return copies + max(shape.rows, shape.columns) + 1
  }

  var cost: Double { orthogonalization.cost }
  var canFail: Bool { orthogonalization.canFail }

  /// One of the matrices, and what the optimizer has for it.
  func matrix(
    _ batch: Int, of parameter: TrainedParameter, _ solved: Floats?,
    in scratch: OrthogonalizationScratch
  ) -> MuonMatrix {
    let start = batch * all.elements + before.elements
    var memory = MuonMatrix.Memory(
      batch: batch, block: block, arena: gatheringStart.map(scratch.arena))
    let weights = parameter.weights
    let p = memory.buffer(matrices, weights.data, shape.count)
    let m = memory.buffer(matrices, parameter.state[0].elements, shape.count)
    let master = weights.master.map { memory.buffer(matrices, Numbers($0), shape.count) }
    return MuonMatrix(
      group: parameter.group, shape: shape, p: p,
      g: memory.buffer(matrices, parameter.gradient ?? .none(.float32), shape.count), m: m,
      master: master,
      remainder: weights.remainder.map { memory.buffer(matrices, $0, shape.count) },
      v: secondMomentum.flatMap { layout in
        parameter.elements(of: .secondMomentum).map { memory.buffer(layout, $0, nil) }
      },
      radius: radius.flatMap { layout in
        parameter.elements(of: .radius).map { memory.buffer(layout, $0, 1) }
      },
      solved: solved?[start..<start + shape.count],
      meter: parameter.meter.map { meter(batch, of: $0) },
      data: p.dense.floats ?? master?.dense.floats ?? memory.floats(shape.count),
      momentum: m.dense.floats ?? memory.floats(shape.count))
  }

  /// What is measured of one of the matrices.
  func meter(_ batch: Int, of parameter: StepMeter) -> StepMeter {
    parameter.part(
      chunks: batch * all.chunks + before.chunks, Matrix.chunks(of: shape.count),
      sides: batch * all.sides + before.sides, shape.shortSide)
  }
}
