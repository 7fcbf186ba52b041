internal import CMuonKernels

/// The element-wise passes. What goes together in one has one count.
extension Elements where Element == Float {
  /// Σ x²
  func sumOfSquares() -> Double { unsafe Kernels.passes.sum_of_squares(count, start) }

  /// The highest magnitude, as the bits of a number: infinity and NaN are the highest.
  func highest() -> UInt32 { unsafe Kernels.passes.highest(count, start) }

  /// Whether none is NaN or infinity.
  var areFinite: Bool { isFinite(highest()) }

  /// Whether none is below 0.
  var areNotNegative: Bool {
    let x = unsafe start
    var isOneNegative = false
    for i in 0..<count where unsafe x[i] < 0 { isOneNegative = true }
    return !isOneNegative
  }

  /// x ← factor x, the product taken in float64: the factor may be one that float32 cannot hold.
  func scale(by factor: Double) { unsafe Kernels.passes.scale(count, start, factor) }

  /// sums_j ← sums_j + x_j²
  func addSquares(to sums: Elements<Double>) {
    precondition(sums.count == count)
    unsafe Kernels.passes.add_squares(count, sums.start, start)
  }

  /// x_j ← factors_j x_j, the products taken in float64.
  func scale(by factors: Elements<Double>) {
    precondition(factors.count == count)
    unsafe Kernels.passes.scale_each(count, start, factors.start)
  }

  /// x ← keep x - rate o
  func move(along o: Floats, keep: Float, rate: Float) {
    precondition(o.count == count)
    unsafe Kernels.passes.move(count, start, o.start, keep, rate)
  }

  /// x ← k x - rate o, where k is 1 for each x whose sign is the opposite of that in `signs`, and `keep` for the
  /// others: cautious decay (arXiv 2510.12402). 0 has no sign.
  func move(along o: Floats, cautiouslyBy signs: Floats, keep: Float, rate: Float) {
    precondition(o.count == count && signs.count == count)
    unsafe Kernels.passes.move_cautiously(count, start, o.start, signs.start, keep, rate)
  }

  /// x ← factor o
  func become(_ factor: Float, times o: Floats) {
    precondition(o.count == count)
    let (x, o) = unsafe (start, o.start)
    for i in 0..<count { unsafe x[i] = factor * o[i] }
  }

  /// x ← factor x
  func scale(by factor: Float) {
    let x = unsafe start
    for i in 0..<count { unsafe x[i] *= factor }
  }

  /// x_j ← x_j others_j. There are at least as many others.
  func multiply(by others: Floats) {
    precondition(others.count >= count)
    let (x, others) = unsafe (start, others.start)
    for j in 0..<count { unsafe x[j] *= others[j] }
  }

  /// x_j ← x_j factor others_j, from left to right. There are at least as many others.
  func multiply(by factor: Float, times others: Floats) {
    precondition(others.count >= count)
    let (x, others) = unsafe (start, others.start)
    for j in 0..<count { unsafe x[j] = x[j] * factor * others[j] }
  }
}

/// Whether the highest magnitude, as the bits of a number, is that of one.
func isFinite(_ highest: UInt32) -> Bool { highest < Float.infinity.bitPattern }

/// What the momentum of Muon is advanced by, and what the direction is made of.
struct MomentumStep {
  /// What the gradient is multiplied by before all else: g is the product from here on.
  let gradientScale: Float
  let momentum: Float
  /// What the gradient is multiplied by in both.
  let gradientWeight: Float
  let nesterov: Bool

  /// u = weight g + momentum m', or m' without Nesterov, of the new momentum m' = momentum m + weight g. Returns
  /// Σ u². With `advancing`, m' takes the place of m.
  func direction(_ g: Floats, _ m: Floats, into u: Floats, advancing: Bool) -> Double {
    precondition(m.count == g.count && u.count == g.count)
    return unsafe Kernels.passes.momentum(
      g.count, g.start, m.start, u.start, gradientScale, momentum, gradientWeight,
      nesterov ? 1 : 0, advancing ? 1 : 0)
  }

  /// The highest magnitude in m' and u, as the bits of a number.
  func highest(_ g: Floats, _ m: Floats) -> UInt32 {
    precondition(m.count == g.count)
    return unsafe Kernels.passes.momentum_highest(
      g.count, g.start, m.start, gradientScale, momentum, gradientWeight, nesterov ? 1 : 0)
  }
}

/// The constants of AdamW at one step.
struct AdamWStep {
  private let constants: muon_adamw_constants

  /// p ← keep p - rate m'/(scale2 √v' + epsilon), with m' = beta1 m + (1 - beta1) g and
  /// v' = beta2 v + (1 - beta2) g², where g is the gradient multiplied by gradientScale. With `cautious`, 1 takes
  /// the place of keep for each p whose sign is the opposite of that of m'.
  init(
    gradientScale: Float, keep: Double, rate: Double, beta1: Double, beta2: Double, scale2: Double,
    epsilon: Double, cautious: Bool
  ) {
    constants = muon_adamw_constants(
      keep: Float(keep), rate: Float(rate), beta1: Float(beta1), rest1: Float(1 - beta1),
      beta2: Float(beta2), rest2: Float(1 - beta2), scale2: Float(scale2), eps: Float(epsilon),
      scale: gradientScale, cautious: cautious ? 1 : 0)
  }

  var decay: WeightDecay {
    WeightDecay(keep: constants.keep, isCautious: constants.cautious != 0)
  }

  func apply(_ p: Floats, _ g: Floats, _ m: Floats, _ v: Floats) {
    precondition(g.count == p.count && m.count == p.count && v.count == p.count)
    unsafe withUnsafePointer(to: constants) {
      unsafe Kernels.passes.adamw(p.count, p.start, g.start, m.start, v.start, $0)
    }
  }

  /// The highest magnitude in m' and v', as the bits of a number.
  func highest(_ g: Floats, _ m: Floats, _ v: Floats) -> UInt32 {
    precondition(m.count == g.count && v.count == g.count)
    return unsafe withUnsafePointer(to: constants) {
      unsafe Kernels.passes.adamw_highest(g.count, g.start, m.start, v.start, $0)
    }
  }
}
