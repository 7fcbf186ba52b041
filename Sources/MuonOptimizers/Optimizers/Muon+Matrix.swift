// Muon's step of one matrix. All members of a team call each of these together.
extension Muon {
  /// Works O out and keeps it, and writes nothing else. False where LAPACK did not converge.
  func solve(
    _ turn: Turn, in scratch: OrthogonalizationScratch, by member: Team.Member
  ) -> Bool {
    let (matrix, plan) = (matrix(turn, in: scratch), plans[turn.plan])
    guard let solved = matrix.solved else { return false }
    matrix.loadMomentum(by: member)
    writeDirection(of: matrix, in: scratch, advancing: false, by: member)
    return plan.orthogonalization.run(
      in: scratch, to: Epilogue(replacing: matrix.matrix(solved)), by: member)
  }

  /// Makes the step: the momentum, and the parameter; and measures it, where that is asked for.
  func update(_ turn: Turn, in scratch: OrthogonalizationScratch, by member: Team.Member) {
    let (matrix, plan) = (matrix(turn, in: scratch), plans[turn.plan])
    matrix.load(by: member)
    if let meter = matrix.meter {
      let measuring = MeasuringScratch(
        in: scratch.arena(from: plan.measuringStart), matrix.shape,
        orthogonality: meter.gram != nil)
      noteBefore(matrix, meter, measuring, by: member)
      let direction = update(matrix, plan, in: scratch, o: measuring.o, by: member)
      measureChange(
        of: matrix, groups[matrix.group], along: direction, meter, measuring,
        o: matrix.solved ?? measuring.o, by: member)
    } else {
      _ = update(matrix, plan, in: scratch, o: nil, by: member)
    }
    matrix.store(by: member)
  }

  private func matrix(_ turn: Turn, in scratch: OrthogonalizationScratch) -> MuonMatrix {
    let plan = plans[turn.plan]
    return plan.matrix(
      turn.batch, of: trained[plan.parameter], solved[plan.parameter]?.elements, in: scratch)
  }

  /// - Parameter o: Where O goes besides, unless it was solved ahead.
  /// - Returns: What the parameter was moved along, where the options need it.
  private func update(
    _ parameter: MuonMatrix, _ plan: MuonPlan, in scratch: OrthogonalizationScratch,
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
    if let solved = parameter.solved {
      Epilogue(p, keep: options.decay.keep, rate: -rate)
        .apply(to: parameter.matrix(solved), by: member)
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
    of parameter: MuonMatrix, _ plan: MuonPlan, in scratch: OrthogonalizationScratch,
    o: Floats?, by member: Team.Member
  ) -> Matrix {
    let direction = scratch.matrix(of: parameter)
    // A product cannot be written twice where one of its operands is.
    let whole = parameter.solved ?? o
    if parameter.solved == nil {
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
    if let lines, let v = parameter.v?.dense.floats {
      direction.normalize(lines, v, beta2: options.beta2, in: scratch.sums, by: member)
    }
    return direction
  }

  private func move(
    _ parameter: MuonMatrix, along direction: Matrix, in scratch: OrthogonalizationScratch,
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
    of parameter: MuonMatrix, in scratch: OrthogonalizationScratch, advancing: Bool,
    by member: Team.Member
  ) {
    let (m, u) = (parameter.momentum, scratch.matrix(of: parameter))
    let gradient = parameter.gradient
    let options = groups[parameter.group]
    let (step, toleratesFlush) = (
      options.momentumStep(gradientScale: stepScale), options.toleratesFlush
    )
    u.forEachChunk(by: member) { part, number in
      scratch.sums[number] = Denormals.kept(unless: toleratesFlush) {
        let u = u.elements[part]
        // What is not float32 is so in the place of u, which takes its place.
        return step.direction(
          gradient[part].widened(in: u), m[part], into: u, advancing: advancing)
      }
    }
  }
}

extension OrthogonalizationScratch {
  fileprivate func matrix(of parameter: MuonMatrix) -> Matrix { parameter.matrix(floats) }
}
