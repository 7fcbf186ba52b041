/// One matrix in Muon's hands, dense: where it is in its parameter, or copies of what lies apart there.
struct MuonMatrix {
  /// A buffer of the parameter, as far as it is this matrix's.
  struct Part {
    let dense: Floats
    /// Where it is copied from, and back to; `nil` of what is dense there.
    let apart: (matrix: StridedMatrix, array: Floats, start: Int)?

    func gather(by member: Team.Member) {
      guard let apart else { return }
      apart.matrix.gather(from: apart.array, at: apart.start, into: dense, by: member)
    }

    func scatter(by member: Team.Member) {
      guard let apart else { return }
      apart.matrix.scatter(dense, to: apart.array, at: apart.start, by: member)
    }
  }

  /// Which one it is of a layout, and memory for copies.
  struct Memory {
    let batch, block: Int
    var arena: Arena<Float>?

    /// - Parameter count: As far as it is known.
    mutating func buffer(_ layout: MatrixLayout, _ array: Floats, _ count: Int?) -> Part {
      let matrix = layout.blocks[block].matrix
      let start = layout.start(batch: batch, block: block)
      let count = count ?? matrix.count
      guard var arena, !matrix.isDense else {
        return Part(dense: array[start..<start + count], apart: nil)
      }
      let dense = arena.take(count)
      self.arena = arena
      return Part(dense: dense, apart: (matrix, array, start))
    }
  }

  let group: Int
  let shape: Shape
  let p, g, m: Part
  /// With `MuonOptions.secondMoment` and `MuonOptions.hyperball`.
  let v, radius: Part?
  /// O, where it was worked out ahead.
  let solved: Floats?
  let meter: StepMeter?

  var data: Floats { p.dense }
  var gradient: Floats { g.dense }
  var momentum: Floats { m.dense }

  /// A matrix of this shape.
  func matrix(_ elements: Floats) -> Matrix { Matrix(elements, shape.rows, shape.columns) }

  /// Copies what lies apart. All members of a team call it together, as they do `scatter`.
  func gather(by member: Team.Member) {
    p.gather(by: member)
    g.gather(by: member)
    m.gather(by: member)
    v?.gather(by: member)
    radius?.gather(by: member)
  }

  /// Copies back what a step has changed.
  func scatter(by member: Team.Member) {
    p.scatter(by: member)
    m.scatter(by: member)
    v?.scatter(by: member)
    radius?.scatter(by: member)
  }
}
