/// What it takes to measure Muon's step of one matrix, behind what it takes to make it.
extension Muon {
  struct MeasuringScratch {
    /// A copy of the parameter, of which later O is packed.
    let before: Floats
    /// O, and its Gram matrix, where the orthogonality is measured.
    let o, gram: Floats?

    init(in arena: Arena<Float>, _ shape: Shape, orthogonality: Bool) {
      var arena = arena
      before = arena.take(Self.beforeCount(shape, orthogonality: orthogonality))
      o = orthogonality ? arena.take(shape.count) : nil
      gram = orthogonality ? arena.take(shape.shortSide * shape.shortSide) : nil
    }

    static func count(_ shape: Shape, orthogonality: Bool) throws(MuonError) -> Int {
      // So that no sum below leaves 64 bits.
      guard shape.count <= Int.max / 64 else {
        throw MuonError(.outOfMemory, "a matrix of shape \(shape) is too large to be measured")
      }
      let before = beforeCount(shape, orthogonality: orthogonality)
      return orthogonality ? before + shape.count + shape.shortSide * shape.shortSide : before
    }

    private static func beforeCount(_ shape: Shape, orthogonality: Bool) -> Int {
      guard orthogonality else { return shape.count }
      let side = shape.shortSide
      return max(shape.count, packing(side: side, depth: shape.count / side).count)
    }

    /// Of O by its short side.
    static func packing(side: Int, depth: Int) -> Packing {
      Packing(.f32, lanes: side, depth: depth, as: .both)
    }
  }

  /// Notes the parameter before the step, and measures the gradient. All members of a team call it
  /// together, as they do `measureChange`.
  func noteBefore(
    _ parameter: MuonMatrix, _ meter: StepMeter, _ measuring: MeasuringScratch,
    by member: Team.Member
  ) {
    let g = parameter.gradient
    parameter.matrix(measuring.before).forEachChunk(by: member) { part, number in
      measuring.before[part].copy(from: parameter.data[part])
      meter.gradient[number] = Denormals.kept { g[part].sumOfSquares() }
    }
  }

  /// Measures what the step did to the parameter, moved along `direction` where the options need it, and O where
  /// that is asked for.
  func measureChange(
    of parameter: MuonMatrix, _ options: MuonOptions, along direction: Matrix?,
    _ meter: StepMeter, _ measuring: MeasuringScratch, o: Floats?, by member: Team.Member
  ) {
    parameter.matrix(measuring.before).forEachChunk(by: member) { part, number in
      let before = measuring.before[part]
      options.decay.move(
        before, along: parameter.data[part], rate: 1, direction: direction?.elements[part])
      meter.change[number] = before.sumOfSquares()
    }
    guard let o, let sums = meter.gram, let gram = measuring.gram else { return }
    measureOrthogonality(
      of: parameter.matrix(o), packed: measuring.before, gram: gram, into: sums, by: member)
  }

  /// The squares of O Oᵀ - I row by row, on the short side of O. Of the product, which is symmetric, there
  /// is the lower triangle.
  private func measureOrthogonality(
    of o: Matrix, packed: Floats, gram: Floats, into sums: Elements<Double>, by member: Team.Member
  ) {
    let gram = Matrix(gram, o.shortSide, o.shortSide)
    let products = Multiplier(.f32, by: member)
    let oo = products.pack(
      o.few, of: o,
      MeasuringScratch.packing(side: o.shortSide, depth: o.count / o.shortSide), into: packed)
    products.multiply(oo, oo, into: gram, symmetric: true)
    member.forEach(o.shortSide) { i in
      sums[i] = gram.squaredDistanceFromIdentity(ofSymmetricRow: i)
    }
  }
}
