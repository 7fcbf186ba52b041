extension Schedule.Form {
  /// The rate at a step: in closed form, except for a chain, which has none.
  func rate(base: Double, step: Int, previous: Double? = nil) -> Double {
    switch self {
    case .linear(let start, let end, let iterations):
      let factor = start + (end - start) * Double(min(step, iterations)) / Double(iterations)
      // Rounding must not take it below 0.
      return base * max(0, factor)
    case .constant(let factor, let iterations):
      return step < iterations ? base * factor : base
    case .cosine(let period, let minimum):
      return minimum + (base - minimum) * (1 + Self.cosine(step, period)) / 2
    case .sequential(let forms, let milestones):
      let (index, start) = Self.phase(milestones, at: step)
      return forms[index].rate(
        base: base, step: step - start, previous: step == start ? nil : previous)
    case .chained:
      if step > 0, let previous { return advance(previous, base: base, to: step) }
      return (0...step).reduce(base) { advance($0, base: base, to: $1) }
    }
  }

  /// torch's recurrence: the rate at `step` from the rate before it, which others may have changed.
  func advance(_ rate: Double, base: Double, to step: Int) -> Double {
    switch self {
    case .linear(let start, let end, let iterations):
      if step == 0 { return rate * start }
      if step > iterations { return rate }
      let before = Double(iterations) * start + Double(step - 1) * (end - start)
      // Rounding must not take it below 0.
      return rate * max(0, 1 + (end - start) / before)
    case .constant(let factor, let iterations):
      if step == 0 { return rate * factor }
      return step == iterations ? rate / factor : rate
    case .cosine(let period, let minimum):
      if step == 0 { return rate }
      if (step - 1 - period) % (2 * period) == 0 {
        return rate + (base - minimum) * (1 - Self.cosine(1, period)) / 2
      }
      let ratio = (1 + Self.cosine(step, period)) / (1 + Self.cosine(step - 1, period))
      return ratio * (rate - minimum) + minimum
    case .sequential(let forms, let milestones):
      let (index, start) = Self.phase(milestones, at: step)
      return step == start
        ? forms[index].rate(base: base, step: 0)
        : forms[index].advance(rate, base: base, to: step - start)
    case .chained(let forms):
      return forms.reduce(rate) { $1.advance($0, base: base, to: step) }
    }
  }

  /// The schedule in force at a step, and the step it began at.
  private static func phase(_ milestones: [Int], at step: Int) -> (index: Int, start: Int) {
    let index = milestones.firstIndex { step < $0 } ?? milestones.count
    return (index, index == 0 ? 0 : milestones[index - 1])
  }

  /// cos(π step/period)
  private static func cosine(_ step: Int, _ period: Int) -> Double {
    Mathematics.cosine(Double.pi * Double(step) / Double(period))
  }
}
