internal import CMuonKernels

/// One step's polynomial a·x + b·x³ + c·x⁵ on the singular values.
public struct Coefficients: Hashable, Sendable {
  /// The factors of x, x³ and x⁵.
  public var a, b, c: Double

  /// The polynomial with these factors.
  public init(_ a: Double, _ b: Double, _ c: Double) {
    self.a = a
    self.b = b
    self.c = c
  }

  /// The polynomial in x/s.
  func forArgument(dividedBy s: Double) -> Coefficients {
    Coefficients(a / s, b / (s * s * s), c / (s * s * s * s * s))
  }
}

/// The polynomials of a backend, one row a step, and what follows after the last row.
struct CoefficientTable {
  enum Continuation {
    /// The rows begin again.
    case cycle
    /// The last row repeats.
    case repeatLast
    /// There is no more: the table is made for exactly its own number of steps.
    case none
  }

  let rows: [Coefficients]
  let continuation: Continuation
  /// The number of steps when none is asked for.
  let ownSteps: Int
  /// Whether bfloat16 products are close enough: at most 3e-2 from the exact polynomial, or what an
  /// iteration stored in bfloat16 errs, on every spectrum of the tests.
  let toleratesBF16: Bool
  /// Whether products of 16-bit integers are: as they are known to be for every backend with a name.
  let toleratesInt16: Bool
  /// Where the Gram iteration must restart to stay within 1e-3 in float32 on every matrix of the tests, of
  /// which those of rank 1 are the worst, for at most 5 steps; `nil` where it must not be used. `cubic5`, which is
  /// there to be cheap, has no restart and is within 3e-2.
  let gramRestarts: [Int]?
  /// The same to stay within 1e-2, which is what `auto` promises.
  let gramRestartsForAuto: [Int]?
  /// The same for products of 16-bit integers, to stay within 1e-2 or within what an iteration that stores
  /// bfloat16 errs.
  let gramRestartsInt16: [Int]?
  /// The most steps for which products of 8-bit integers are not too far off: a steep polynomial repeated more
  /// often may take their errors to infinity.
  let mostInt8Steps: Int

  init(
    _ rows: [Coefficients], then continuation: Continuation, ownSteps: Int? = nil,
    toleratesBF16: Bool = false, toleratesInt16: Bool = true, gramRestarts: [Int]? = nil,
    gramRestartsForAuto: [Int]? = nil, gramRestartsInt16: [Int]? = nil,
    mostInt8Steps: Int = Backend.stepRange.upperBound
  ) {
    self.rows = rows
    self.continuation = continuation
    self.ownSteps = ownSteps ?? rows.count
    self.toleratesBF16 = toleratesBF16
    self.toleratesInt16 = toleratesInt16
    self.gramRestarts = gramRestarts
    self.gramRestartsForAuto = gramRestartsForAuto ?? gramRestarts
    self.gramRestartsInt16 = gramRestartsInt16
    self.mostInt8Steps = mostInt8Steps
  }

  /// The restarts of the Gram iteration with a kernel, where that precision was asked for; `nil` where it must not be
  /// used.
  func gramRestarts(_ kernel: ProductKernel, _ precision: Precision) -> [Int]? {
    switch kernel.element {
    case MUON_ELEMENT_F32: precision == .auto ? gramRestartsForAuto : gramRestarts
    case MUON_ELEMENT_INT16: gramRestartsInt16
    default: nil
    }
  }

  /// The rows for a number of steps.
  func rows(for steps: Int) -> [Coefficients] {
    (0..<steps).map { step in
      continuation == .cycle ? rows[step % rows.count] : rows[min(step, rows.count - 1)]
    }
  }
}

// The data. Every row is (a, b, c) of one step, in order.
extension CoefficientTable {
  /// Keller Jordan, "Muon: An optimizer for hidden layers in neural networks", 2024;
  /// `torch.optim.Muon`.
  static let newtonSchulz5 = CoefficientTable(
    [Coefficients(3.4445, -4.7750, 2.0315)], then: .cycle, ownSteps: 5, toleratesBF16: true,
    gramRestarts: [3], gramRestartsForAuto: [], gramRestartsInt16: [3])

  /// The original system's `orthogonalize`.
  static let orthogonalize = CoefficientTable(
    [Coefficients(3, -3.2, 1.2)], then: .repeatLast, ownSteps: 10, toleratesBF16: true)

  /// Jiacheng You's quintic; `dion`, and "quintic" in Emerging-Optimizers.
  static let you = CoefficientTable(
    [
      Coefficients(4.0848, -6.8946, 2.9270),
      Coefficients(3.9505, -6.3029, 2.6377),
      Coefficients(3.7418, -5.5913, 2.3037),
      Coefficients(2.8769, -3.1427, 1.2046),
      Coefficients(2.8366, -3.0525, 1.2012),
    ], then: .cycle, toleratesBF16: true, gramRestarts: [2], gramRestartsInt16: [2, 4])

  /// arXiv 2505.16932 for l = 1e-3, 5 steps, safety factor 2e-2; modded-nanogpt, `dion`.
  static let polarExpress = CoefficientTable(
    [
      Coefficients(8.156554524902461, -22.48329292557795, 15.878769915207462),
      Coefficients(4.042929935166739, -2.808917465908714, 0.5000178451051316),
      Coefficients(3.8916678022926607, -2.772484153217685, 0.5060648178503393),
      Coefficients(3.285753657755655, -2.3681294933425376, 0.46449024233003106),
      Coefficients(2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
    ], then: .repeatLast, gramRestarts: [2], gramRestartsInt16: [2, 4], mostInt8Steps: 5)

  /// arXiv 2506.10935 (CANS), with a margin of 1.01 in all steps but the last, as Polar Express has it.
  ///
  /// Each published polynomial ends where the one before has its maximum, and rises steeply past there: at a
  /// singular value of 1, which every matrix of rank 1 has, the composition has a slope of 5e4, and rounding
  /// takes it anywhere. With the margin it has 3, and at most 240 in all of [0, 1].
  static let cans = CoefficientTable(
    [
      Coefficients(8.4703, -25.1081, 18.6293).forArgument(dividedBy: 1.01),
      Coefficients(4.1828, -3.1087, 0.5806).forArgument(dividedBy: 1.01),
      Coefficients(3.9619, -2.9541, 0.5630).forArgument(dividedBy: 1.01),
      Coefficients(3.2866, -2.4647, 0.5074).forArgument(dividedBy: 1.01),
      Coefficients(2.2737, -1.6447, 0.4162),
    ], then: .repeatLast, gramRestarts: [2], gramRestartsInt16: [2, 4], mostInt8Steps: 5)

  /// DeepSeek-V4 report: `newtonSchulz5` eight times, then two steps that converge.
  static let deepSeekV4 = CoefficientTable(
    newtonSchulz5.rows(for: 8)
      + [Coefficients(2, -1.5, 0.5), Coefficients(2, -1.5, 0.5)], then: .repeatLast,
    toleratesBF16: true)

  /// arXiv 2606.00371. Cubic: c is 0.
  static let cubic5 = CoefficientTable(
    [
      Coefficients(3.3656576, -3.3420992, 0),
      Coefficients(2.5744352, -1.4957376, 0),
      Coefficients(2.5368962, -1.4312570, 0),
      Coefficients(2.4418906, -1.2764040, 0),
      Coefficients(2.2230472, -0.9630650, 0),
    ], then: .none, toleratesBF16: true, gramRestarts: [], gramRestartsInt16: [3])

  /// arXiv 2512.04632 (Turbo-Muon), as its authors mended it (thib-s/flash-newton-schulz cdb03db): the first
  /// table took singular values above 0.88 to negative ones. Made for AOL scaling, see `NewtonSchulz`.
  static let turbo = CoefficientTable(
    [
      Coefficients(4.6051, -9.6552, 5.6769),
      Coefficients(4.7505, -6.0861, 2.1790),
      Coefficients(2.7763, -2.3190, 0.5523),
      Coefficients(2.4231, -2.2861, 0.8193),
    ], then: .none, toleratesBF16: true)
}
