internal import Synchronization

/// The orthogonal matrix nearest in direction to G: approximately U Vᵀ where G = U S Vᵀ.
///
/// - Parameters:
///   - matrix: G, `rows * columns` finite elements, row-major; or a batch of matrices, one after the other.
///   - batch: How many there are, each orthogonalized by itself: at least 0.
///   - rows: Of each, at least 0, as `columns`.
///   - columns: At least 0.
///   - options: The backend and its settings.
/// - Returns: As many matrices of the same shape. Zeros give zeros. A matrix may be as small as float32 has it;
///   what is below 1e-26 of its norm + eps may count as 0, and results below `Float.leastNormalMagnitude` do.
/// - Throws: `shape` for another number of elements, `invalidArgument` for NaN or infinity in a
///   matrix and for an option outside its range, `unsupported` for a precision that the processor or
///   the backend does not have and for a matrix too large for BLAS or LAPACK, `notConverged` from backend
///   `svd`, `outOfMemory`.
public func orthogonalize(
  _ matrix: [Float], batch: Int = 1, rows: Int, columns: Int,
  options: OrthogonalizeOptions = OrthogonalizeOptions()
) throws(MuonError) -> [Float] {
  var result = matrix
  var failure: MuonError? = nil
  unsafe result.withUnsafeMutableBufferPointer { elements in
    do throws(MuonError) {
      let elements = unsafe Elements(elements)
      try orthogonalize(
        elements, batch: batch, rows: rows, columns: columns, options: options, into: elements)
    } catch { failure = error }
  }
  if let failure { throw failure }
  return result
}

/// Writes the orthogonal matrices nearest in direction to each of `matrices` into `results`, which may be the
/// same memory but must not overlap it in another way: all of them, or none.
package func orthogonalize(
  _ matrices: Elements<Float>, batch: Int = 1, rows: Int, columns: Int,
  options: OrthogonalizeOptions, into results: Elements<Float>
) throws(MuonError) {
  try Log.holding { () throws(MuonError) in
    try orthogonalizeHeld(
      matrices, batch: batch, rows: rows, columns: columns, options: options, into: results)
  }
}

private func orthogonalizeHeld(
  _ matrices: Floats, batch: Int, rows: Int, columns: Int, options: OrthogonalizeOptions,
  into results: Floats
) throws(MuonError) {
  Log.introduce()
  try options.checkEach()
  let orthogonalizer = try Orthogonalizer(options)
  let label = batch == 1 ? "the matrix" : "a matrix of the batch"
  guard batch >= 0 else {
    throw MuonError(.shape, "the batch: at least 0 matrices are expected, not \(batch)")
  }
  let shape = try Shape([rows, columns], of: label)
  let (count, overflow) = shape.count.multipliedReportingOverflow(by: batch)
  for (elements, what) in [(matrices, "the matrix"), (results, "the result")]
  where overflow || elements.count != count {
    guard batch == 1 else {
      throw MuonError(
        .shape,
        "\(what) has \(elements.count) elements; \(batch) of \(rows) x \(columns) are expected")
    }
    try shape.requireCount(elements.count, of: what)
  }
  try shape.requireMatrix(of: label)
  let plan = try orthogonalizer.plan(rows: rows, columns: columns)
  guard count > 0 else { return }
  for index in 0..<batch {
    guard matrices[index * shape.count..<(index + 1) * shape.count].areFinite else {
      let which = batch == 1 ? "the matrix" : "matrix \(index) of \(batch)"
      throw MuonError(.invalidArgument, "\(which) has NaN or infinity; it must be finite")
    }
  }
  // Several matrices, of which one may fail when another is done.
  let staged = plan.canFail && batch > 1 ? try Buffer<Float>(count: count) : nil
  let task = try OrthogonalizeTask(
    plan, batch, from: matrices, to: staged?.elements ?? results)
  if plan.canFail {
    try OpenBLAS.use { Team.run(workers: task.workers, task) }
  } else {
    Team.run(workers: task.workers, task)
  }
  let failed = task.failed.load(ordering: .relaxed)
  guard failed < 0 else {
    let which = batch == 1 ? "the matrix" : "matrix \(failed) of \(batch)"
    let error = MuonError(.notConverged, "LAPACK's SVD of \(which) did not converge")
    Log.write(.error, error.message)
    throw error
  }
  if let staged { results.copy(from: staged.elements) }
}

/// A batch of matrices: some by the whole team, one after the other, and then each on a thread; see `MatrixShares`.
private struct OrthogonalizeTask: TeamWork, ~Copyable {
  private let plan: OrthogonalizationPlan
  private let batch: Int
  private let from, to: Floats
  /// How many, the first ones, are for the whole team.
  private let forAll: Int
  let workers: Int
  /// One for each worker that takes matrices by itself. The first is for those of the whole team, too.
  private let scratches: [OrthogonalizationScratch]
  /// A matrix for which LAPACK did not converge.
  let failed = Atomic<Int>(-1)

  init(
    _ plan: OrthogonalizationPlan, _ batch: Int, from: Floats, to: Floats
  ) throws(MuonError) {
    (self.plan, self.batch, self.from, self.to) = (plan, batch, from, to)
    let total = plan.cost * Double(batch)
    let sensible = Team.sensibleSize(forCost: total)
    var shares = MatrixShares()
    forAll = shares.countForAll(of: batch, costing: total, by: sensible) { _ in plan.work }
    workers = forAll > 0 ? sensible : min(sensible, batch)
    var scratches: [OrthogonalizationScratch] = []
    for _ in 0..<max(1, min(workers, batch - forAll)) {
      scratches.append(try OrthogonalizationScratch(plan.scratchSize))
    }
    self.scratches = scratches
  }

  func perform(by member: Team.Member) {
    for index in 0..<forAll { perform(index, in: scratches[0], by: member) }
    guard member.index < scratches.count else { return member.waitForOthers() }
    member.forEach(batch - forAll) {
      perform(forAll + $0, in: scratches[member.index], by: .alone)
    }
  }

  private func perform(
    _ index: Int, in scratch: OrthogonalizationScratch, by member: Team.Member
  ) {
    let count = plan.rows * plan.columns
    let part = index * count..<(index + 1) * count
    let x = scratch.matrix(rows: plan.rows, columns: plan.columns)
    let g = from[part]
    // The matrix may be one of denormal numbers.
    Denormals.kept {
      x.forEachChunk(by: member) { part, number in
        x.elements[part].copy(from: g[part])
        scratch.sums[number] = x.elements[part].sumOfSquares()
      }
    }
    let result = Matrix(to[part], plan.rows, plan.columns)
    let done = Denormals.flushed {
      plan.run(in: scratch, to: Epilogue(replacing: result), by: member)
    }
    if !done { failed.store(index, ordering: .relaxed) }
  }
}
