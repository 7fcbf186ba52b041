/// What the steps of an optimizer measure. Each level includes the ones before it.
///
/// Measuring changes no result: parameters and state are the same to the bit at every level.
public enum StatisticsLevel: String, CaseIterable, Sendable {
  /// Nothing, at no cost. The default.
  case none
  /// The norm of the gradient and the size of the update: two more passes over memory, and for `Muon`
  /// a copy of the largest matrix for each thread.
  case basic
  /// `Muon`: how far the update is from orthogonal, too. One and a half more products of the size of
  /// the matrix, and memory for three matrices more at most, for each thread.
  case orthogonality
}

/// What the latest measured step of a parameter was like.
///
/// Sums are in float64 and in an order that depends on the shape alone: the numbers are the same for
/// every number of threads.
public struct ParameterStatistics: Hashable, Sendable {
  /// Which step of the parameter it was, from 1.
  public let step: Int
  /// ‖g‖, the root of the sum of the squares of the gradient.
  public let gradientNorm: Double
  /// ‖p' - (1 - lr·weightDecay) p‖/√n for a parameter p of n elements that became p': the root mean
  /// square of what the step moved an element by, without the decay. For `Muon` it is
  /// lr·s·‖O‖_F/√n, as far as float32 has room for it in p'.
  public let updateRMS: Double
  /// `Muon`: lr·s, the learning rate times the shape scale; `AdamW`: lr.
  public let effectiveLearningRate: Double
  /// ‖O Oᵀ - I‖_F/√m for the r x c matrix O that the parameter was moved along, on its short side of
  /// m = min(r, c), so OᵀO where r > c: 0 for an orthogonal O, 1 for zeros. `nil` where it was not
  /// asked for, and for `AdamW`.
  public let orthogonalityError: Double?
}

extension Optimizer {
  /// What the latest step that was measured was like for a parameter; parameters count from 0 as in
  /// `parameters`.
  ///
  /// A step that throws or is skipped, and a step in which the parameter has no gradient, leave it as
  /// it is.
  ///
  /// - Returns: `nil` before the first step with `statisticsLevel` above `none`, and for a parameter
  ///   without elements.
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func statistics(ofParameter index: Int) throws(MuonError) -> ParameterStatistics? {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].statistics
  }
}
