internal import CMuonKernels

/// Muon's step of one matrix.
@safe
struct MuonTask {
  let plan: OrthogonalizationPlan
  /// O, where it was worked out ahead.
  var solved: Buffer<Float>?
  /// The memory to make the step and to measure it.
  let scratchSize: OrthogonalizationScratch.Size
  /// Where in its floats the memory to measure it begins.
  private let measuringStart: Int

  let update: Update
  private let nesterov: Bool
  /// The weights of m and g in the new momentum.
  private let momentum, gradientWeight: Float
  /// Whether denormal gradients and momenta may be zeros.
  private let toleratesFlush: Bool
  /// Beside this eps whole matrices of denormal numbers are nothing. Beside a smaller one, or none, they
  /// can be all there is to be normalized.
  private static let leastEpsilonForFlush = 1e-15
  /// p ← keep·p - rate·O.
  let keep: Float
  private let rate: Float

  init(
    _ update: Update, _ options: MuonOptions, _ plan: OrthogonalizationPlan
  ) throws(MuonError) {
    self.plan = plan
    self.update = update
    nesterov = options.nesterov
    momentum = Float(options.momentum)
    gradientWeight = options.gradientWeight
    toleratesFlush = options.epsilon >= MuonTask.leastEpsilonForFlush
    let shape = update.parameter.layout
    let scale = options.shapeScale.factor(rows: shape.rows, columns: shape.columns)
    keep = Float(1 - options.learningRate * options.weightDecay)
    rate = Float(options.learningRate * scale)
    var size = plan.scratchSize
    // On a cache line.
    measuringStart = (size.floats + 15) / 16 * 16
    if let meter = update.meter {
      size.floats =
        try unsafe measuringStart
        + MeasuringScratch.count(shape, orthogonality: meter.gram != nil)
    }
    scratchSize = size
  }

  var rows: Int { plan.rows }
  var columns: Int { plan.columns }
  var count: Int { update.parameter.count }
  var owner: String { update.parameter.owner }
  var canFail: Bool { plan.canFail }
  var cost: Double { plan.cost }

  /// Works O out and keeps it, and writes nothing else. False where LAPACK did not converge.
  func solve(in scratch: OrthogonalizationScratch, by member: Team.Member) -> Bool {
    guard let solved else { return false }
    writeDirection(in: scratch, advancing: false, by: member)
    return unsafe plan.run(
      in: scratch, to: Epilogue(floats: solved.start, keep: 0, rate: 1), by: member)
  }

  /// Makes the step: the momentum, and the parameter. All members of a team call it together.
  func apply(in scratch: OrthogonalizationScratch, by member: Team.Member) {
    guard let meter = update.meter else {
      unsafe apply(in: scratch, o: nil, by: member)
      return
    }
    let measuring = unsafe MeasuringScratch(
      at: scratch.floats.start + measuringStart, update.parameter.layout,
      orthogonality: meter.gram != nil)
    unsafe noteParameter(meter, measuring, by: member)
    unsafe apply(in: scratch, o: measuring.o, by: member)
    unsafe measureChange(meter, measuring, o: solved?.start ?? measuring.o, by: member)
  }

  /// - Parameter o: Where O goes besides, unless it was solved ahead.
  private func apply(
    in scratch: OrthogonalizationScratch, o: UnsafeMutablePointer<Float>?, by member: Team.Member
  ) {
    writeDirection(in: scratch, advancing: true, by: member)
    let epilogue = unsafe Epilogue(floats: update.data, keep: keep, rate: -rate, copy: o)
    if let solved {
      let o = unsafe solved.start
      unsafe scratch.matrix(rows: rows, columns: columns).forEachChunk(by: member) {
        unsafe epilogue.apply(to: o, offset: $0, count: $1)
      }
    } else {
      // Only a backend that was solved ahead can fail.
      _ = unsafe plan.run(in: scratch, to: epilogue, by: member)
    }
  }

  /// u, from the momentum as it will be, and its sums of squares; with `advancing`, the momentum too.
  private func writeDirection(
    in scratch: OrthogonalizationScratch, advancing: Bool, by member: Team.Member
  ) {
    guard let m = unsafe update.state[0].start else { return }
    let g = unsafe update.gradient
    let x = unsafe scratch.matrix(rows: rows, columns: columns)
    let u = unsafe x.floats
    unsafe x.forEachChunk(by: member) { offset, count in
      unsafe scratch.sums[offset / Matrix.chunk] =
        Denormals.kept(unless: toleratesFlush) {
          unsafe Kernels.passes.momentum(
            count, g + offset, m + offset, u + offset, momentum, gradientWeight, nesterov ? 1 : 0,
            advancing ? 1 : 0)
        }
    }
  }
}
