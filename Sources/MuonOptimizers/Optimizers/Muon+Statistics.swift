internal import CMuonKernels

/// What it takes to measure Muon's step of one matrix, behind what it takes to make it.
extension Muon {
  /// In floats: a copy of the parameter, of which later O is packed; O; and its Gram matrix.
  @unsafe
  struct MeasuringScratch {
    let before: UnsafeMutablePointer<Float>
    /// Where the orthogonality is measured.
    let o, gram: UnsafeMutablePointer<Float>?

    init(at start: UnsafeMutablePointer<Float>, _ shape: Shape, orthogonality: Bool) {
      unsafe before = start
      guard orthogonality else {
        unsafe (o, gram) = (nil, nil)
        return
      }
      let o = unsafe start + Self.beforeCount(shape, orthogonality: true)
      unsafe self.o = o
      unsafe gram = o + shape.count
    }

    static func count(_ shape: Shape, orthogonality: Bool) throws(MuonError) -> Int {
      // So that no sum below leaves 64 bits.
      guard shape.count <= Int.max / 64 else {
        throw MuonError(.outOfMemory, "a matrix of shape \(shape) is too large to be measured")
      }
      let before = unsafe beforeCount(shape, orthogonality: orthogonality)
      return orthogonality ? before + shape.count + shape.shortSide * shape.shortSide : before
    }

    private static func beforeCount(_ shape: Shape, orthogonality: Bool) -> Int {
      guard orthogonality else { return shape.count }
      let side = shape.shortSide
      return max(shape.count, ProductKernel.f32.packedCount(lanes: side, depth: shape.count / side))
    }
  }

  /// Notes the parameter before the step, and measures the gradient. All members of a team call it
  /// together, as they do `measureChange`.
  func noteBefore(
    _ parameter: TrainedParameter, _ meter: StepMeter, _ measuring: MeasuringScratch,
    by member: Team.Member
  ) {
    guard let p = unsafe parameter.data, let g = unsafe parameter.gradient else { return }
    let (shape, before) = unsafe (parameter.shape, measuring.before)
    unsafe Matrix(before, shape.rows, shape.columns).forEachChunk(by: member) { offset, count in
      unsafe (before + offset).update(from: p + offset, count: count)
      unsafe meter.gradient[offset / Matrix.chunk] = Denormals.kept {
        unsafe Kernels.passes.sum_of_squares(count, g + offset)
      }
    }
  }

  /// Measures what the step did to the parameter, and O where that is asked for.
  func measureChange(
    of parameter: TrainedParameter, keep: Float, _ meter: StepMeter, _ measuring: MeasuringScratch,
    o: UnsafeMutablePointer<Float>?, by member: Team.Member
  ) {
    guard let p = unsafe parameter.data else { return }
    let (shape, before) = unsafe (parameter.shape, measuring.before)
    unsafe Matrix(before, shape.rows, shape.columns).forEachChunk(by: member) { offset, count in
      unsafe Kernels.passes.move(count, before + offset, p + offset, keep, 1)
      unsafe meter.change[offset / Matrix.chunk] =
        Kernels.passes.sum_of_squares(count, before + offset)
    }
    guard let o = unsafe o, let sums = unsafe meter.gram, let gram = unsafe measuring.gram
    else { return }
    unsafe measureOrthogonality(
      of: Matrix(o, shape.rows, shape.columns), packed: before, gram: gram, into: sums, by: member)
  }

  /// The squares of O Oᵀ - I row by row, on the short side of O. Of the product, which is symmetric, there
  /// is the lower triangle.
  private func measureOrthogonality(
    of o: Matrix, packed: UnsafeMutablePointer<Float>, gram: UnsafeMutablePointer<Float>,
    into sums: UnsafeMutablePointer<Double>, by member: Team.Member
  ) {
    let side = unsafe o.shortSide
    let kernel = ProductKernel.f32
    unsafe kernel.pack(o.isWide ? .rows : .columns, of: o, into: packed, by: member)
    unsafe kernel.multiply(
      packed, packed, depth: o.count / side, into: Matrix(gram, side, side), symmetric: true,
      by: member)
    member.forEach(side) { i in
      let row = unsafe gram + i * side
      var sum = 0.0
      for j in 0..<i { unsafe sum += 2 * Double(row[j]) * Double(row[j]) }
      let diagonal = unsafe Double(row[i]) - 1
      unsafe sums[i] = sum + diagonal * diagonal
    }
  }
}
