// Muon's step of one matrix. All members of a team call each of these together.
extension Muon {
  /// Works O out and keeps it, and writes nothing else. False where LAPACK did not converge.
  func solve(
    _ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
  ) -> Bool {
    let (parameter, plan) = (trained[index], plans[index])
    guard let solved = plan.solved else { return false }
    writeDirection(of: parameter, in: scratch, advancing: false, by: member)
    return plan.orthogonalization.run(
      in: scratch, to: Epilogue(replacing: parameter.matrix(solved.elements)), by: member)
  }

  /// Makes the step: the momentum, and the parameter; and measures it, where that is asked for.
  func update(_ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member) {
    let (parameter, plan) = (trained[index], plans[index])
    guard let meter = parameter.meter else {
      _ = update(parameter, plan, in: scratch, o: nil, by: member)
      return
    }
    let measuring = MeasuringScratch(
      in: scratch.arena(from: plan.measuringStart), parameter.shape,
      orthogonality: meter.gram != nil)
    noteBefore(parameter, meter, measuring, by: member)
    let direction = update(parameter, plan, in: scratch, o: measuring.o, by: member)
    measureChange(
      of: parameter, groups[parameter.group], along: direction, meter, measuring,
      o: plan.solved?.elements ?? measuring.o, by: member)
  }

  /// - Parameter o: Where O goes besides, unless it was solved ahead.
  /// - Returns: What the parameter was moved along, where the options need it.
  private func update(
    _ parameter: TrainedParameter, _ plan: MuonPlan, in scratch: OrthogonalizationScratch,
    o: Floats?, by member: Team.Member
  ) -> Matrix? {
    writeDirection(of: parameter, in: scratch, advancing: true, by: member)
    let options = groups[parameter.group]
    guard !options.needsDirection else {
      let direction = direction(of: parameter, plan, in: scratch, o: o, by: member)
      move(parameter, along: direction, in: scratch, by: member)
      return direction
    }
    let rate = Float(options.effectiveLearningRate(for: parameter.shape))
    let p = parameter.matrix(parameter.data)
    if let solved = plan.solved {
      Epilogue(p, keep: options.decay.keep, rate: -rate)
        .apply(to: parameter.matrix(solved.elements), by: member)
    } else {
      // Only a backend that was solved ahead can fail.
      _ = plan.orthogonalization.run(
        in: scratch,
        to: Epilogue(p, keep: options.decay.keep, rate: -rate, copy: o.map(parameter.matrix)),
        by: member)
    }
    return nil
  }

  /// What the parameter is moved along, in the place of u: O, normalized where the options say so.
  private func direction(
    of parameter: TrainedParameter, _ plan: MuonPlan, in scratch: OrthogonalizationScratch,
    o: Floats?, by member: Team.Member
  ) -> Matrix {
    let direction = scratch.matrix(of: parameter)
    // A product cannot be written twice where one of its operands is.
    let whole = plan.solved?.elements ?? o
    if plan.solved == nil {
      _ = plan.orthogonalization.run(
        in: scratch, to: Epilogue(replacing: whole.map(parameter.matrix) ?? direction), by: member)
    }
    if let whole {
      direction.forEachChunk(by: member) { part, _ in
        direction.elements[part].copy(from: whole[part])
      }
    }
    let options = groups[parameter.group]
    let lines = options.secondMoment.lines(rows: direction.rows, columns: direction.columns)
    if let lines, let v = parameter.elements(of: .secondMomentum) {
      direction.normalize(lines, v, beta2: options.beta2, in: scratch.sums, by: member)
    }
    return direction
  }

  private func move(
    _ parameter: TrainedParameter, along direction: Matrix, in scratch: OrthogonalizationScratch,
    by member: Team.Member
  ) {
    let options = groups[parameter.group]
    guard !options.hyperball else {
      return Denormals.kept {
        moveOnHyperball(parameter, along: direction, sums: scratch.sums, by: member)
      }
    }
    let rate = Float(options.effectiveLearningRate(for: parameter.shape))
    direction.forEachChunk(by: member) { part, _ in
      let o = direction.elements[part]
      options.decay.move(parameter.data[part], along: o, rate: rate, direction: o)
    }
  }

  /// u, from the momentum as it will be, and its sums of squares; with `advancing`, the momentum too.
  private func writeDirection(
    of parameter: TrainedParameter, in scratch: OrthogonalizationScratch, advancing: Bool,
    by member: Team.Member
  ) {
    guard let g = parameter.gradient else { return }
    let (m, u) = (parameter.state[0].elements, scratch.matrix(of: parameter))
    let options = groups[parameter.group]
    let (step, toleratesFlush) = (
      options.momentumStep(gradientScale: stepScale), options.toleratesFlush
    )
    u.forEachChunk(by: member) { part, number in
      scratch.sums[number] = Denormals.kept(unless: toleratesFlush) {
        step.direction(g[part], m[part], into: u.elements[part], advancing: advancing)
      }
    }
  }
}

extension TrainedParameter {
  /// A matrix of the parameter's shape.
  func matrix(_ elements: Floats) -> Matrix { Matrix(elements, shape.rows, shape.columns) }
}

extension OrthogonalizationScratch {
  fileprivate func matrix(of parameter: TrainedParameter) -> Matrix { parameter.matrix(floats) }
}
