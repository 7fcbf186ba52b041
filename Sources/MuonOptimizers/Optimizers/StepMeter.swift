/// Where a step leaves what it measures of one parameter: sums of squares, each over a part and written
/// by the one thread that has the part.
struct StepMeter {
  /// One a `Matrix.chunk` of elements: of the gradient, and of the change without the decay.
  let gradient, change: Elements<Double>
  /// One a row of O Oᵀ - I; `nil` where it is not asked for.
  let gram: Elements<Double>?

  init(in arena: inout Arena<Double>, _ shape: Shape, orthogonality: Bool) {
    let chunks = Matrix.chunks(of: shape.count)
    gradient = arena.take(chunks)
    change = arena.take(chunks)
    gram = orthogonality ? arena.take(shape.shortSide) : nil
  }

  /// The sums that it has room for.
  static func count(for shape: Shape, orthogonality: Bool) -> Int {
    2 * Matrix.chunks(of: shape.count) + (orthogonality ? shape.shortSide : 0)
  }

  /// After the step.
  func statistics(
    of parameter: TrainedParameter, effectiveLearningRate: Double
  ) -> ParameterStatistics {
    return ParameterStatistics(
      step: parameter.steps + 1,
      gradientNorm: sum(gradient).squareRoot(),
      updateRMS: (sum(change) / Double(parameter.shape.count)).squareRoot(),
      effectiveLearningRate: effectiveLearningRate,
      orthogonalityError: gram.map { (sum($0) / Double($0.count)).squareRoot() })
  }

  private func sum(_ sums: Elements<Double>) -> Double {
    (0..<sums.count).reduce(0) { $0 + sums[$1] }
  }
}

extension Shape {
  /// The shorter extent of a matrix; the smallest one of another shape.
  var shortSide: Int { extents.min() ?? 1 }
}
