/// One matrix in Muon's hands, dense and in float32: where it is in its parameter, or copies of what lies apart there
/// or is of another type.
struct MuonMatrix {
  /// A buffer of the parameter, as far as it is this matrix's.
  struct Part {
    let dense: Numbers
    /// Where it is copied from, and back to; `nil` of what is dense there.
    let apart: (matrix: StridedMatrix, array: Numbers, start: Int)?

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
    mutating func buffer(_ layout: MatrixLayout, _ array: Numbers, _ count: Int?) -> Part {
      let matrix = layout.blocks[block].matrix
      let start = layout.start(batch: batch, block: block)
      let count = count ?? matrix.count
      guard !matrix.isDense else { return Part(dense: array[start..<start + count], apart: nil) }
      let memory = floats(Numbers.floats(for: count, array.type))
      return Part(
        dense: Numbers(array.type, in: memory, count: count), apart: (matrix, array, start))
    }

    mutating func floats(_ count: Int) -> Floats { arena?.take(count) ?? .none }
  }

  let group: Int
  let shape: Shape
  let p, g, m: Part
  /// What is kept of p beside it.
  let master, remainder: Part?
  /// With `MuonOptions.secondMoment` and `MuonOptions.hyperball`.
  let v, radius: Part?
  /// O, where it was worked out ahead.
  let solved: Floats?
  let meter: StepMeter?
  /// p and m, in float32.
  let data, momentum: Floats

  var weights: Weights {
    Weights(data: p.dense, master: master?.dense.floats, remainder: remainder?.dense)
  }
  var gradient: Numbers { g.dense }

  /// A matrix of this shape.
  func matrix(_ elements: Floats) -> Matrix { Matrix(elements, shape.rows, shape.columns) }

  /// Makes the direction of the step ready to be worked out. All members of a team call it together, as they do what
  /// follows.
  func loadMomentum(by member: Team.Member) {
    g.gather(by: member)
    m.gather(by: member)
    guard m.dense.floats == nil else { return }
    matrix(momentum).forEachChunk(by: member) { part, _ in
      m.dense[part].widen(into: momentum[part])
    }
  }

  /// And all that a step changes.
  func load(by member: Team.Member) {
    loadMomentum(by: member)
    p.gather(by: member)
    master?.gather(by: member)
    remainder?.gather(by: member)
    v?.gather(by: member)
    radius?.gather(by: member)
    guard p.dense.floats == nil else { return }
    matrix(data).forEachChunk(by: member) { part, _ in weights[part].load(into: data[part]) }
  }

  /// Puts it where it is kept.
  func store(by member: Team.Member) {
    if p.dense.floats == nil || m.dense.floats == nil {
      matrix(data).forEachChunk(by: member) { part, _ in
        weights[part].store(from: data[part])
        if m.dense.floats == nil { m.dense[part].round(from: momentum[part]) }
      }
    }
    p.scatter(by: member)
    m.scatter(by: member)
    master?.scatter(by: member)
    remainder?.scatter(by: member)
    v?.scatter(by: member)
    radius?.scatter(by: member)
  }
}
