/// How the processes of a training run, the ranks, hear of each other: what an optimizer needs of MPI or the like.
///
/// Every rank makes the same calls of the optimizer in the same order, and so these are called in the same order on
/// all ranks, by the thread that called the optimizer. What one of them throws becomes an error of the code
/// `exchange`. They must not use the optimizer and its parameters. Steps are refused there as `invalidArgument`, and so
/// are new parameters, groups, options and exchanges.
public protocol Exchange: AnyObject {
  /// This process's number, from 0.
  var rank: Int { get }
  /// How many processes there are.
  var rankCount: Int { get }

  /// Replaces each value by the highest that a rank has there. All ranks come with as many.
  ///
  /// - Throws: Anything, where another rank is lost: the optimizer makes a `MuonError` of it, of the code `exchange`.
  func agree(_ values: inout [Int64]) throws

  /// Begins to copy memory of one rank to the same place on all others. Until `finish` returns the memory stays valid,
  /// the owner only reads it, and the others leave it alone. All ranks come with as many bytes.
  ///
  /// - Throws: As `agree(_:)`.
  @unsafe
  func share(_ data: UnsafeMutableRawBufferPointer, from owner: Int) throws

  /// Returns when all that was shared is there.
  ///
  /// - Throws: As `agree(_:)`.
  func finish() throws
}
