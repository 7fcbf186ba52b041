internal import CMuonKernels

// Muon's step of one matrix. All members of a team call each of these together.
extension Muon {
  /// Works O out and keeps it, and writes nothing else. False where LAPACK did not converge.
  func solve(
    _ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
  ) -> Bool {
    guard let solved = plans[index].solved else { return false }
    writeDirection(of: trained[index], in: scratch, advancing: false, by: member)
    return unsafe plans[index].orthogonalization.run(
      in: scratch, to: Epilogue(floats: solved.start, keep: 0, rate: 1), by: member)
  }

  /// Makes the step: the momentum, and the parameter; and measures it, where that is asked for.
  func update(_ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member) {
    let (parameter, plan) = (trained[index], plans[index])
    guard let meter = parameter.meter else {
      unsafe update(parameter, plan, in: scratch, o: nil, by: member)
      return
    }
    let measuring = unsafe MeasuringScratch(
      at: scratch.floats.start + plan.measuringStart, parameter.shape,
      orthogonality: meter.gram != nil)
    unsafe noteBefore(parameter, meter, measuring, by: member)
    unsafe update(parameter, plan, in: scratch, o: measuring.o, by: member)
    unsafe measureChange(
      of: parameter, keep: groups[parameter.group].keep, meter, measuring,
      o: plan.solved?.start ?? measuring.o, by: member)
  }

  /// - Parameter o: Where O goes besides, unless it was solved ahead.
  private func update(
    _ parameter: TrainedParameter, _ plan: MuonPlan, in scratch: OrthogonalizationScratch,
    o: UnsafeMutablePointer<Float>?, by member: Team.Member
  ) {
    guard let p = unsafe parameter.data else { return }
    writeDirection(of: parameter, in: scratch, advancing: true, by: member)
    let options = groups[parameter.group]
    let rate = Float(options.effectiveLearningRate(for: parameter.shape))
    let epilogue = unsafe Epilogue(floats: p, keep: options.keep, rate: -rate, copy: o)
    if let solved = plan.solved {
      let o = unsafe solved.start
      unsafe parameter.matrix(scratch).forEachChunk(by: member) {
        unsafe epilogue.apply(to: o, offset: $0, count: $1)
      }
    } else {
      // Only a backend that was solved ahead can fail.
      _ = unsafe plan.orthogonalization.run(in: scratch, to: epilogue, by: member)
    }
  }

  /// u, from the momentum as it will be, and its sums of squares; with `advancing`, the momentum too.
  private func writeDirection(
    of parameter: TrainedParameter, in scratch: OrthogonalizationScratch, advancing: Bool,
    by member: Team.Member
  ) {
    guard let g = unsafe parameter.gradient, let m = unsafe parameter.state[0].start else { return }
    let options = groups[parameter.group]
    let (momentum, weight) = (Float(options.momentum), options.gradientWeight)
    let (nesterov, toleratesFlush) = (options.nesterov, options.toleratesFlush)
    let x = unsafe parameter.matrix(scratch)
    let u = unsafe x.floats
    unsafe x.forEachChunk(by: member) { offset, count in
      unsafe scratch.sums[offset / Matrix.chunk] =
        Denormals.kept(unless: toleratesFlush) {
          unsafe Kernels.passes.momentum(
            count, g + offset, m + offset, u + offset, momentum, weight, nesterov ? 1 : 0,
            advancing ? 1 : 0)
        }
    }
  }
}

extension TrainedParameter {
  fileprivate func matrix(_ scratch: OrthogonalizationScratch) -> Matrix {
    unsafe scratch.matrix(rows: shape.rows, columns: shape.columns)
  }
}
