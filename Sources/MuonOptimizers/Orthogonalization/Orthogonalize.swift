internal import Synchronization

/// The orthogonal matrix nearest in direction to G: approximately U Vᵀ where G = U S Vᵀ.
///
/// - Parameters:
///   - matrix: G, `rows * columns` finite elements, row-major.
///   - rows: At least 0, as `columns`.
///   - columns: At least 0.
///   - options: The backend and its settings.
/// - Returns: A matrix of the same shape. Zeros give zeros. The matrix may be as small as float32 has it;
///   what is below 1e-26 of its norm + eps may count as 0, and results below `Float.leastNormalMagnitude` do.
/// - Throws: `shape` for another number of elements, `invalidArgument` for NaN or infinity in the
///   matrix and for an option outside its range, `unsupported` for a precision that the processor or
///   the backend does not have and for a matrix too large for BLAS or LAPACK, `notConverged` from backend
///   `svd`, `outOfMemory`.
public func orthogonalize(
  _ matrix: [Float], rows: Int, columns: Int,
  options: OrthogonalizeOptions = OrthogonalizeOptions()
) throws(MuonError) -> [Float] {
  var result = matrix
  var failure: MuonError? = nil
  unsafe result.withUnsafeMutableBufferPointer { elements in
    do throws(MuonError) {
      let elements = unsafe Elements(elements)
      try orthogonalize(elements, rows: rows, columns: columns, options: options, into: elements)
    } catch { failure = error }
  }
  if let failure { throw failure }
  return result
}

/// Writes the orthogonal matrix nearest in direction to `matrix` into `result`, which may be the same
/// memory but must not overlap it in another way.
package func orthogonalize(
  _ matrix: Elements<Float>, rows: Int, columns: Int, options: OrthogonalizeOptions,
  into result: Elements<Float>
) throws(MuonError) {
  try Log.holding { () throws(MuonError) in
    try orthogonalizeHeld(matrix, rows: rows, columns: columns, options: options, into: result)
  }
}

private func orthogonalizeHeld(
  _ matrix: Floats, rows: Int, columns: Int, options: OrthogonalizeOptions, into result: Floats
) throws(MuonError) {
  Log.introduce()
  try options.checkEach()
  let orthogonalizer = try Orthogonalizer(options)
  let shape = try Shape([rows, columns], of: "the matrix")
  try shape.requireCount(matrix.count, of: "the matrix")
  try shape.requireCount(result.count, of: "the result")
  try shape.requireMatrix(of: "the matrix")
  let plan = try orthogonalizer.plan(rows: rows, columns: columns)
  guard shape.count > 0 else { return }
  guard matrix.areFinite else {
    throw MuonError(.invalidArgument, "the matrix has NaN or infinity; it must be finite")
  }
  let task = OrthogonalizeTask(
    plan: plan, scratch: try OrthogonalizationScratch(plan.scratchSize),
    from: Matrix(matrix, rows, columns), to: Matrix(result, rows, columns))
  let workers = Team.sensibleSize(forCost: plan.cost)
  if plan.canFail {
    try OpenBLAS.use { Team.run(workers: workers, task) }
  } else {
    Team.run(workers: workers, task)
  }
  guard task.converged.load(ordering: .relaxed) else {
    let error = MuonError(.notConverged, "LAPACK's SVD of the matrix did not converge")
    Log.write(.error, error.message)
    throw error
  }
}

private struct OrthogonalizeTask: TeamWork, ~Copyable {
  let plan: OrthogonalizationPlan
  let scratch: OrthogonalizationScratch
  let from, to: Matrix
  let converged = Atomic<Bool>(true)

  func perform(by member: Team.Member) {
    let x = scratch.matrix(rows: plan.rows, columns: plan.columns)
    // The matrix may be one of denormal numbers.
    Denormals.kept {
      x.forEachChunk(by: member) { part, number in
        x.elements[part].copy(from: from.elements[part])
        scratch.sums[number] = x.elements[part].sumOfSquares()
      }
    }
    let done = Denormals.flushed {
      plan.run(in: scratch, to: Epilogue(replacing: to), by: member)
    }
    if !done { converged.store(false, ordering: .relaxed) }
  }
}
