/// Where a step leaves what it measures of one parameter: sums of squares, each over a part and written
/// by the one thread that has the part.
@safe
struct StepMeter {
  /// One a `Matrix.chunk` of elements: of the gradient, and of the change without the decay.
  let gradient, change: UnsafeMutablePointer<Double>
  /// One a row of O Oᵀ - I; `nil` where it is not asked for.
  let gram: UnsafeMutablePointer<Double>?

  init(_ start: UnsafeMutablePointer<Double>, _ shape: Shape, orthogonality: Bool) {
    let chunks = StepMeter.chunks(shape)
    unsafe gradient = start
    unsafe change = start + chunks
    unsafe gram = orthogonality ? start + 2 * chunks : nil
  }

  /// The sums that it has room for.
  static func count(for shape: Shape, orthogonality: Bool) -> Int {
    2 * chunks(shape) + (orthogonality ? shape.shortSide : 0)
  }

  /// After the step.
  func statistics(
    of parameter: TrainedParameter, effectiveLearningRate: Double
  ) -> ParameterStatistics {
    let (chunks, side) = (StepMeter.chunks(parameter.shape), parameter.shape.shortSide)
    return ParameterStatistics(
      step: parameter.steps + 1,
      gradientNorm: unsafe sum(gradient, chunks).squareRoot(),
      updateRMS: unsafe (sum(change, chunks) / Double(parameter.shape.count)).squareRoot(),
      effectiveLearningRate: effectiveLearningRate,
      orthogonalityError: unsafe gram.map { unsafe (sum($0, side) / Double(side)).squareRoot() })
  }

  private func sum(_ sums: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    (0..<count).reduce(0) { unsafe $0 + sums[$1] }
  }

  private static func chunks(_ shape: Shape) -> Int {
    unsafe (shape.count + Matrix.chunk - 1) / Matrix.chunk
  }
}

extension Shape {
  /// The shorter extent of a matrix; the smallest one of another shape.
  var shortSide: Int { extents.min() ?? 1 }
}
