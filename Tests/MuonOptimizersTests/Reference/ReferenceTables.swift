import MuonOptimizers

/// The coefficients of a backend, typed out again from their sources: (a, b, c) of each step.
struct ReferenceTable {
  enum End {
    case cycles, lastRepeats, fixedLength
  }

  let rows: [(Double, Double, Double)]
  let end: End
  /// The steps when none are asked for.
  let ownSteps: Int

  func rows(steps: Int?) -> [(Double, Double, Double)] {
    var result: [(Double, Double, Double)] = []
    while result.count < steps ?? ownSteps {
      switch end {
      case .cycles: result += rows
      case .lastRepeats, .fixedLength:
        result.append(rows[result.count < rows.count ? result.count : rows.count - 1])
      }
    }
    return Array(result.prefix(steps ?? ownSteps))
  }
}

extension ReferenceTable {
  /// `nil` for `svd`, which has no polynomial.
  init?(_ backend: Backend) {
    switch backend {
    case .svd: return nil
    case .newtonSchulz5:
      self.init(rows: [(3.4445, -4.7750, 2.0315)], end: .cycles, ownSteps: 5)
    case .orthogonalize:
      self.init(rows: [(3, -3.2, 1.2)], end: .lastRepeats, ownSteps: 10)
    case .you:
      self.init(
        rows: [
          (4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037),
          (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012),
        ], end: .cycles, ownSteps: 5)
    case .polarExpress:
      self.init(
        rows: [
          (8.156554524902461, -22.48329292557795, 15.878769915207462),
          (4.042929935166739, -2.808917465908714, 0.5000178451051316),
          (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
          (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
          (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
        ], end: .lastRepeats, ownSteps: 5)
    case .cans:
      // With the margin of libmuon: the published polynomials of x/1.01, but for the last.
      let s = 1.01
      let published = [
        (8.4703, -25.1081, 18.6293), (4.1828, -3.1087, 0.5806), (3.9619, -2.9541, 0.5630),
        (3.2866, -2.4647, 0.5074),
      ]
      self.init(
        rows: published.map { ($0 / s, $1 / (s * s * s), $2 / (s * s * s * s * s)) }
          + [(2.2737, -1.6447, 0.4162)], end: .lastRepeats, ownSteps: 5)
    case .deepSeekV4:
      self.init(
        rows: [(Double, Double, Double)](repeating: (3.4445, -4.7750, 2.0315), count: 8)
          + [(2, -1.5, 0.5), (2, -1.5, 0.5)], end: .lastRepeats, ownSteps: 10)
    case .cubic5:
      self.init(
        rows: [
          (3.3656576, -3.3420992, 0), (2.5744352, -1.4957376, 0), (2.5368962, -1.4312570, 0),
          (2.4418906, -1.2764040, 0), (2.2230472, -0.9630650, 0),
        ], end: .fixedLength, ownSteps: 5)
    case .turbo:
      self.init(
        rows: [
          (4.6051, -9.6552, 5.6769), (4.7505, -6.0861, 2.1790), (2.7763, -2.3190, 0.5523),
          (2.4231, -2.2861, 0.8193),
        ], end: .fixedLength, ownSteps: 4)
    case .custom(let rows):
      self.init(
        rows: rows.map { ($0.a, $0.b, $0.c) }, end: .lastRepeats, ownSteps: rows.count)
    }
  }
}
