/// The algorithm for a shape: for `auto` the cheapest, of two that cost nearly the same the more accurate. All
/// are the same function; they differ in cost and in rounding.
extension Orthogonalizer {
  /// Below these short sides products are not what costs, and the most accurate method is taken.
  private static let shortestForRounding = 32
  private static let shortestForGram = 64

  func algorithm(rows: Int, columns: Int) -> OrthogonalizationPlan.Algorithm {
    let short = min(rows, columns)
    guard short > 0 else { return .nothing }
    guard let table else { return .polarFactor }
    if short == 1 { return .vector }
    // `init` has seen to it that it is possible.
    if method == .gram, let restarts = table.gramRestarts { return .gram(restarts: restarts) }
    let rounded =
      table.toleratesInt16 && short >= Self.shortestForRounding ? ProductKernel.int16 : nil
    let kernel = precision.kernel ?? rounded ?? .f32
    let standard = OrthogonalizationPlan.Algorithm.standard(kernel)
    guard method == .auto, precision == .auto || precision == .f32,
      let restarts = table.gramRestarts,
      coefficients.count <= Self.mostGramSteps,
      short >= Self.shortestForGram,
      // Nearer to square it would need more than four times the matrix in memory.
      3 * max(rows, columns) >= 5 * short
    else { return standard }
    // Gram is in float32: beside integers it is the more accurate, beside float32 the less.
    let margin = kernel == .f32 ? 0.9 : 1.1
    let gramTime = gramCost(rows, columns, restarts: restarts) / ProductKernel.f32.speed
    return gramTime < margin * standardCost(rows, columns) / kernel.speed
      ? .gram(restarts: restarts) : standard
  }

  /// Multiplications in m³, for an m x αm matrix; one triangle of what is symmetric.
  private func standardCost(_ rows: Int, _ columns: Int) -> Double {
    let alpha = Double(max(rows, columns)) / Double(min(rows, columns))
    return coefficients.reduce(0) { $0 + 1.5 * alpha + ($1.c == 0 ? 0 : 0.5) }
  }

  private func gramCost(_ rows: Int, _ columns: Int, restarts: [Int]) -> Double {
    let alpha = Double(max(rows, columns)) / Double(min(rows, columns))
    let begins = restarts.filter { $0 < coefficients.count }.count + 1
    // A full step is four triangles; the first of a run needs no Q Z, the last no new R.
    let triangles = 4 * coefficients.count - begins - 2 * begins
    return Double(begins) * 1.5 * alpha + 0.5 * Double(triangles)
  }
}
