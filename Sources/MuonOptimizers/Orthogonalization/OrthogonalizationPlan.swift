/// How the matrices of one shape are orthogonalized: worked out once, when options or shapes change, and
/// run on each of them in each step. It does not depend on the number of threads, nor do results.
struct OrthogonalizationPlan {
  let rows, columns: Int
  /// The memory that one matrix needs, itself included.
  let scratchSize: OrthogonalizationScratch.Size
  /// In multiplications, about.
  let cost: Double
  private let algorithm: Algorithm
  private let coefficients: [Coefficients]
  private let epsilon: Double
  private let usesAOLScaling: Bool

  /// Those that are many words are behind a pointer: valgrind takes bits of theirs that are not used, where Swift
  /// would keep which case it is, for ones that were never set.
  enum Algorithm: Equatable {
    /// There is nothing in the matrix.
    case nothing
    /// Of one row or one column, whose one singular value is its norm: no products.
    case vector
    indirect case standard(NewtonSchulz)
    indirect case gram(GramNewtonSchulz)
    /// LAPACK's singular value decomposition.
    case polarFactor
  }

  init(rows: Int, columns: Int, _ orthogonalizer: Orthogonalizer) throws(MuonError) {
    self.rows = rows
    self.columns = columns
    coefficients = orthogonalizer.coefficients
    epsilon = orthogonalizer.epsilon
    usesAOLScaling = orthogonalizer.backend.usesAOLScaling
    algorithm = orthogonalizer.algorithm(rows: rows, columns: columns)
    cost =
      Double(rows * columns) * Double(min(rows, columns)) * Double(coefficients.count + 1)
    // The matrix, and the sums of the parts that its norm is taken of.
    let count = rows * columns
    var size = OrthogonalizationScratch.Size(floats: count, sums: Matrix.chunks(of: count))
    switch algorithm {
    case .nothing: size = OrthogonalizationScratch.Size()
    case .vector: break
    case .standard(let iteration): size.floats += iteration.scratchCount
    case .gram(let iteration): size.floats += iteration.scratchCount
    case .polarFactor:
      let more = try PolarFactor.scratch(rows: rows, columns: columns)
      size.floats += more.floats
      size.integers = more.integers
    }
    scratchSize = size
  }

  /// What the matrix asks of a team.
  var work: MatrixShares.Work {
    MatrixShares.Work(
      cost: cost, isLarge: rows * columns > MatrixShares.mostElements, isUndivided: canFail)
  }

  /// Whether `run` can fail, which only LAPACK does.
  var canFail: Bool { algorithm == .polarFactor }

  /// Orthogonalizes `scratch.matrix(rows:columns:)`, of which `scratch.sums` has the sums of squares,
  /// and hands the result O to the epilogue; zeros give zeros, NaN or infinity gives NaN. All members of a
  /// team call it together. Returns false where LAPACK did not converge; then nothing is written.
  func run(
    in scratch: OrthogonalizationScratch, to epilogue: Epilogue, by member: Team.Member
  ) -> Bool {
    let x = scratch.matrix(rows: rows, columns: columns)
    let norm = (0..<Matrix.chunks(of: x.count)).reduce(0) { $0 + scratch.sums[$1] }.squareRoot()
    guard norm != 0, norm.isFinite else {
      x.fill(with: norm == 0 ? 0 : .nan, by: member)
      epilogue.apply(to: x, by: member)
      return true
    }
    if algorithm == .polarFactor {
      return runPolarFactor(x, norm: norm, in: scratch, to: epilogue, by: member)
    }
    // AOL scaling takes any factor out again. With a large eps the squares it needs could be lost.
    let size = usesAOLScaling ? norm : norm + epsilon
    var scale =
      algorithm == .vector
      ? NewtonSchulz.value(norm / size, coefficients, aolScaling: usesAOLScaling) / norm
      : 1 / size
    // It is taken into the first product, unless squares of elements could leave float32.
    if !(1e-12...1e12).contains(scale) {
      // All elements may be denormal; after this, those that are are nothing beside the others.
      Denormals.kept { x.scale(by: scale, by: member) }
      scale = 1
    }
    let rest = scratch.arena(from: x.count)
    switch algorithm {
    case .nothing, .polarFactor: break
    case .vector:
      epilogue.apply(to: x, scaledBy: Float(scale), by: member)
    case .standard(let iteration):
      iteration.iterate(
        x, scale: Float(scale), coefficients, aolScaling: usesAOLScaling, in: rest, to: epilogue,
        by: member)
    case .gram(let iteration):
      iteration.iterate(
        x, scale: Float(scale), coefficients, in: rest, to: epilogue, by: member)
    }
    return true
  }

  /// LAPACK is not for teams: one member solves, and all of them move.
  private func runPolarFactor(
    _ x: Matrix, norm: Double, in scratch: OrthogonalizationScratch, to epilogue: Epilogue,
    by member: Team.Member
  ) -> Bool {
    Denormals.kept { x.scale(by: 1 / norm, by: member) }
    member.forEach(1) { _ in
      // Whoever called has required it.
      let done =
        if let blas = OpenBLAS.loaded {
          BLASThreads.single(blas) {
            PolarFactor.replace(
              x, floats: scratch.arena(from: x.count), integers: scratch.integers, blas)
          }
        } else {
          false
        }
      scratch.sums[0] = done ? 1 : 0
    }
    let converged = scratch.sums[0] == 1
    // All have read it before one goes on and writes there.
    member.waitForOthers()
    if converged { epilogue.apply(to: x, by: member) }
    return converged
  }
}
