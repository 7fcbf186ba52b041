/// Where a step leaves what it measures of one parameter: sums of squares, each over a part and written
/// by the one thread that has the part.
struct StepMeter {
  /// One a `Matrix.chunk` of elements: of the gradient, and of the change without the decay.
  let gradient, change: Elements<Double>
  /// One a row of O Oᵀ - I; `nil` where it is not asked for.
  let gram: Elements<Double>?

  private init(gradient: Elements<Double>, change: Elements<Double>, gram: Elements<Double>?) {
    (self.gradient, self.change, self.gram) = (gradient, change, gram)
  }

  /// Of a parameter, or of all its matrices, one after the other.
  init(
    in arena: inout Arena<Double>, _ shape: Shape, _ matrices: MatrixLayout?, orthogonality: Bool
  ) {
    let chunks = Self.chunks(shape, matrices)
    gradient = arena.take(chunks)
    change = arena.take(chunks)
    gram = orthogonality ? arena.take(matrices?.sumOfShortSides ?? 0) : nil
  }

  /// The sums that it has room for.
  static func count(_ shape: Shape, _ matrices: MatrixLayout?, orthogonality: Bool) -> Int {
    2 * chunks(shape, matrices) + (orthogonality ? matrices?.sumOfShortSides ?? 0 : 0)
  }

  private static func chunks(_ shape: Shape, _ matrices: MatrixLayout?) -> Int {
    guard let matrices else { return Matrix.chunks(of: shape.count) }
    return matrices.batchCount
      * matrices.blocks.reduce(0) { $0 + Matrix.chunks(of: $1.shape.count) }
  }

  /// Of one of the matrices.
  func part(chunks first: Int, _ chunks: Int, sides firstSide: Int, _ sides: Int) -> StepMeter {
    let chunks = first..<first + chunks
    return StepMeter(
      gradient: gradient[chunks], change: change[chunks],
      gram: gram?[firstSide..<firstSide + sides])
  }

  /// After the step.
  func statistics(
    of parameter: TrainedParameter, effectiveLearningRate: Double
  ) -> ParameterStatistics {
    ParameterStatistics(
      step: parameter.steps + 1,
      gradientNorm: sum(gradient).squareRoot(),
      updateRMS: (sum(change) / Double(parameter.shape.count)).squareRoot(),
      effectiveLearningRate: effectiveLearningRate,
      orthogonalityError: gram.map { worst($0, parameter.form.matrices) })
  }

  /// Of all matrices.
  private func worst(_ gram: Elements<Double>, _ matrices: MatrixLayout?) -> Double {
    guard let matrices else { return 0 }
    var (worst, start) = (0.0, 0)
    for _ in 0..<matrices.batchCount {
      for block in matrices.blocks {
        let side = block.shape.shortSide
        let error = (sum(gram[start..<start + side]) / Double(side)).squareRoot()
        worst = error > worst || error.isNaN ? error : worst
        start += side
      }
    }
    return worst
  }

  private func sum(_ sums: Elements<Double>) -> Double {
    (0..<sums.count).reduce(0) { $0 + sums[$1] }
  }
}

extension Shape {
  /// The shorter extent of a matrix; the smallest one of another shape.
  var shortSide: Int { extents.min() ?? 1 }
}
