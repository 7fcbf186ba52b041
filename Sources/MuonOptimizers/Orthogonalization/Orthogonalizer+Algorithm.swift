/// The algorithm for a shape: of what options and accuracy allow the cheapest, and of what costs nearly the same the
/// most accurate. All are the same function; they differ in cost and in rounding.
extension Orthogonalizer {
  /// Below these short sides products are not what costs, and the most accurate method is taken.
  private static let shortestForRounding = 32
  private static let shortestForGram = 64
  /// What costs so many times as much as the cheapest costs nearly the same.
  private static let margin = 1.1

  func algorithm(rows: Int, columns: Int) -> OrthogonalizationPlan.Algorithm {
    let short = min(rows, columns)
    guard short > 0 else { return .nothing }
    guard let table else { return .polarFactor }
    if short == 1 { return .vector }

    // From the most accurate to the least.
    var candidates: [(algorithm: OrthogonalizationPlan.Algorithm, time: Double)] = []
    for kernel in kernels(table, short: short).map({ $0.suited(toSide: short) }) {
      if method != .gram {
        candidates.append(
          (
            .standard(NewtonSchulz(rows: rows, columns: columns, kernel)),
            standardCost(rows, columns) / kernel.speed
          ))
      }
      guard let restarts = table.gramRestarts(kernel, precision) else { continue }
      let gram = GramNewtonSchulz(rows: rows, columns: columns, kernel, restarts: restarts)
      if method == .gram || method == .auto && isForGram(rows, columns, gram) {
        candidates.append(
          (.gram(gram), gramCost(rows, columns, restarts: restarts) / kernel.speed))
      }
    }
    let least = candidates.reduce(.infinity) { min($0, $1.time) }
    return candidates.first { $0.time <= Self.margin * least }?.algorithm
      ?? .standard(NewtonSchulz(rows: rows, columns: columns, .f32))
  }

  /// What may multiply, from the most accurate to the least.
  private func kernels(_ table: CoefficientTable, short: Int) -> [ProductKernel] {
    if let kernel = precision.kernel { return [kernel] }
    guard table.toleratesInt16, short >= Self.shortestForRounding, let int16 = ProductKernel.int16
    else { return [.f32] }
    return [.f32, int16]
  }

  private func isForGram(_ rows: Int, _ columns: Int, _ gram: GramNewtonSchulz) -> Bool {
    // With the matrix itself no more than four times the matrix in memory.
    return coefficients.count <= Self.mostGramSteps && min(rows, columns) >= Self.shortestForGram
      && gram.scratchCount <= 3 * rows * columns
  }

  /// Multiplications in m³, for an m x αm matrix; one triangle of what is symmetric.
  private func standardCost(_ rows: Int, _ columns: Int) -> Double {
    let alpha = Double(max(rows, columns)) / Double(min(rows, columns))
    return coefficients.reduce(0) { $0 + 1.5 * alpha + ($1.c == 0 ? 0 : 0.5) }
  }

  /// The same of the Gram iteration.
  private func gramCost(_ rows: Int, _ columns: Int, restarts: [Int]) -> Double {
    let alpha = Double(max(rows, columns)) / Double(min(rows, columns))
    let begins = restarts.filter { $0 < coefficients.count }.count + 1
    // A full step is four triangles; the first of a run needs no Q Z, the last no new R.
    let triangles = 4 * coefficients.count - begins - 2 * begins
    return Double(begins) * 1.5 * alpha + 0.5 * Double(triangles)
  }
}
