/// Weight decay, decoupled from the gradient: what a step keeps of each element of a parameter.
struct WeightDecay {
  /// 1 - lr·weightDecay.
  let keep: Float
  /// Whether elements that the step moves away from 0 are kept whole (arXiv 2510.12402).
  let isCautious: Bool

  /// x ← k x - rate o, where k is what is kept of an element of a parameter. The signs of `direction` are those of
  /// what is subtracted from the parameter; only cautious decay needs it.
  func move(_ x: Floats, along o: Floats, rate: Float, direction: Floats?) {
    if isCautious, let direction {
      x.move(along: o, cautiouslyBy: direction, keep: keep, rate: rate)
    } else {
      x.move(along: o, keep: keep, rate: rate)
    }
  }
}
