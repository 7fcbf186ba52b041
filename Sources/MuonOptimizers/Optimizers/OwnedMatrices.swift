/// Matrices of a parameter that one rank works out, and that lie together in the parameter and its state, so that
/// each of those is shared in one piece.
struct OwnedMatrices {
  let parameter: Int
  /// The plans of their blocks, and which indices of the batch.
  let plans, batches: Range<Int>
  /// See `OwnerPlan.cost`.
  let cost: Int
  /// A rank.
  var owner = 0

  var count: Int { plans.count * batches.count }

  /// Where they are in a buffer with this layout.
  func elements(in layout: MatrixLayout, firstBlock: Int) -> Range<Int> {
    let blocks = layout.blocks[firstBlock..<firstBlock + plans.count]
    let start = layout.start(batch: batches.lowerBound, block: firstBlock)
    return start..<start + batches.count * blocks.reduce(0) { $0 + $1.matrix.count }
  }
}

extension MatrixLayout {
  /// How small the pieces are whose elements have nobody else's between them.
  enum Grain: Int {
    case matrix, batchIndex, whole
  }

  var grain: Grain {
    if blocks.allSatisfy(\.matrix.isDense) { return .matrix }
    let others = axes.drop { $0 == .batch }
    return others.contains(.batch) ? .whole : .batchIndex
  }
}

extension OwnedMatrices {
  /// The matrices of a parameter, in the smallest pieces that are shared in one.
  ///
  /// - Parameters:
  ///   - plans: Those of the optimizer.
  ///   - own: Which of them are the parameter's: one for each block.
  ///   - steps: Of the iteration.
  static func pieces(of plans: [MuonPlan], _ own: Range<Int>, steps: Int) -> [OwnedMatrices] {
    guard let first = plans[own].first else { return [] }
    let layouts = [first.matrices, first.secondMomentum, first.radius].compactMap { $0 }
    let grain = layouts.map(\.grain).max { $0.rawValue < $1.rawValue } ?? .matrix
    let batch = 0..<first.matrices.batchCount
    func piece(_ plansOfPiece: Range<Int>, _ batches: Range<Int>) -> OwnedMatrices {
      OwnedMatrices(
        parameter: first.parameter, plans: plansOfPiece, batches: batches,
        cost: OwnerPlan.cost(
          plans[plansOfPiece].lazy.map(\.shape), times: batches.count, steps: steps))
    }
    switch grain {
    case .matrix:
      return batch.flatMap { index in own.map { piece($0..<$0 + 1, index..<index + 1) } }
    case .batchIndex: return batch.map { piece(own, $0..<$0 + 1) }
    case .whole: return [piece(own, batch)]
    }
  }
}
