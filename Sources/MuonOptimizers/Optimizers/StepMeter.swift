/// Where a step leaves what it measures of one parameter: sums of squares, each over a part and written
/// by the one thread that has the part.
@safe
struct StepMeter {
  /// One a `Matrix.chunk` of elements: of the gradient, and of the change without the decay.
  let gradient, change: UnsafeMutablePointer<Double>
  /// One a row of O Oᵀ - I; `nil` where it is not asked for.
  let gram: UnsafeMutablePointer<Double>?

  private init(_ start: UnsafeMutablePointer<Double>, chunks: Int, hasGram: Bool) {
    unsafe gradient = start
    unsafe change = start + chunks
    unsafe gram = hasGram ? start + 2 * chunks : nil
  }

  /// Gives each update of a step its meter in memory that is kept from step to step.
  static func attach(
    to updates: inout [Update], _ memory: inout Buffer<Double>?, orthogonality: Bool
  ) throws(MuonError) {
    let count = updates.reduce(0) {
      $0 + 2 * chunks($1) + (orthogonality ? $1.parameter.layout.shortSide : 0)
    }
    if (memory?.count ?? 0) < count { memory = try Buffer(count: count) }
    guard var next = unsafe memory?.start else { return }
    for index in updates.indices {
      let chunks = chunks(updates[index])
      updates[index].meter = unsafe StepMeter(next, chunks: chunks, hasGram: orthogonality)
      unsafe next += 2 * chunks
      if orthogonality { unsafe next += updates[index].parameter.layout.shortSide }
    }
  }

  /// After the step.
  func statistics(of update: Update, effectiveLearningRate: Double) -> ParameterStatistics {
    let chunks = StepMeter.chunks(update)
    let side = update.parameter.layout.shortSide
    return ParameterStatistics(
      step: update.step,
      gradientNorm: unsafe sum(gradient, chunks).squareRoot(),
      updateRMS: unsafe (sum(change, chunks) / Double(update.parameter.count)).squareRoot(),
      effectiveLearningRate: effectiveLearningRate,
      orthogonalityError: unsafe gram.map { unsafe (sum($0, side) / Double(side)).squareRoot() })
  }

  private func sum(_ sums: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
    (0..<count).reduce(0) { unsafe $0 + sums[$1] }
  }

  private static func chunks(_ update: Update) -> Int {
    unsafe (update.parameter.count + Matrix.chunk - 1) / Matrix.chunk
  }
}

extension Shape {
  /// The shorter extent of a matrix; the smallest one of another shape.
  var shortSide: Int { extents.min() ?? 1 }
}
