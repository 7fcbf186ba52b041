internal import CMuonKernels

/// The kernel for an element: the fastest that the processor has, `MUON_MAX_CPU` allows, the system grants, and
/// a small product shows to be right.
struct KernelChoice {
  private(set) var kernel: ProductKernel?
  /// Why faster ones are not taken.
  private(set) var warnings: [String] = []

  /// - Parameter limit: Only kernels slower than this are considered.
  init(of element: muon_element, below limit: ProductKernel? = nil) {
    self.init(
      of: sequence(state: limit) { last in
        last = Kernels.product(of: element, refusing: last)
        return last
      })
  }

  /// Takes the first of these that will do.
  init(of candidates: some Sequence<ProductKernel>) {
    for candidate in candidates where consider(candidate) { return }
  }

  private mutating func consider(_ candidate: ProductKernel) -> Bool {
    let problem =
      !candidate.acquire()
      ? "the system does not let this process use it"
      : !candidate.isRight ? "a product that was made to try it is wrong" : nil
    if let problem {
      warnings.append("\(candidate.name) is left out: \(problem)")
    } else {
      kernel = candidate
    }
    return problem == nil
  }
}

extension ProductKernel {
  /// Asks the system for what the kernel needs of it, in the whole process.
  fileprivate func acquire() -> Bool { unsafe kernel.pointee.acquire() != 0 }

  /// Whether a small product is right, of sizes that go over the edges of panels, tiles and blocks. Without the
  /// memory to try it, it counts as right.
  fileprivate var isRight: Bool {
    let (rows, depth) = (40, 150)
    let packing = Packing(self, lanes: rows, depth: depth, as: .both)
    guard let memory = try? Buffer<Float>(count: rows * (depth + rows) + packing.count) else {
      return true
    }
    var arena = Arena(memory.elements)
    let x = Matrix(arena.take(rows * depth), rows, depth)
    let product = Matrix(arena.take(rows * rows), rows, rows)
    // Integers up to 9.
    for i in 0..<rows {
      for k in 0..<depth { x.row(i)[k] = Float((i * i * 5 + k * 3 + i * k) % 19 - 9) }
    }
    let products = Multiplier(self, by: .alone)
    let operand = products.pack(.rows, of: x, packing, into: arena.rest)
    products.multiply(operand, operand, into: product)
    // 8-bit integers round by 9 / 254; a number in the wrong place is off by several.
    let tolerance = Float(depth) * 9 * 0.02
    for i in 0..<rows {
      for j in 0..<rows {
        let (one, other) = (x.row(i), x.row(j))
        let exact = (0..<depth).reduce(Float(0)) { $0 + one[$1] * other[$1] }
        guard (product.row(i)[j] - exact).magnitude <= tolerance else { return false }
      }
    }
    return true
  }
}
