import Testing

@testable import MuonOptimizers

/// What goes past an edge ends the process, before it touches other memory.
struct EdgeTests {
  private static func floats(_ count: Int) throws -> Buffer<Float> { try Buffer(count: count) }

  @Test func elementsKeepWithinTheirCount() async throws {
    let six = try Self.floats(6)
    #expect(six.elements[2..<6].count == 4 && six.elements.first(0).count == 0)
    await #expect(processExitsWith: .failure) { _ = try EdgeTests.floats(6).elements[6] }
    await #expect(processExitsWith: .failure) { try EdgeTests.floats(6).elements[-1] = 1 }
    await #expect(processExitsWith: .failure) { _ = try EdgeTests.floats(6).elements[3..<7] }
    await #expect(processExitsWith: .failure) { _ = try EdgeTests.floats(6).elements.first(7) }
    await #expect(processExitsWith: .failure) {
      try EdgeTests.floats(6).elements.copy(from: EdgeTests.floats(5).elements)
    }
    await #expect(processExitsWith: .failure) {
      var arena = Arena(try EdgeTests.floats(6).elements)
      _ = (arena.take(4), arena.take(3))
    }
    await #expect(processExitsWith: .failure) {
      _ = Matrix(try EdgeTests.floats(6).elements, 2, 4)
    }
  }

  /// C ← A Aᵀ of a 3 x 2 matrix of zeros, with what is wrong in it.
  private static func multiply(
    lanes: Int = 3, depth: Int = 2, _ role: Packing.Role = .both, room: Int? = nil, rows: Int = 3
  ) throws {
    let products = Multiplier(.f32, by: .alone)
    let packing = Packing(.f32, lanes: lanes, depth: depth, as: role)
    let (a, c) = (try floats(6), try floats(9))
    let packed = try floats(room ?? packing.count)
    let operand = products.pack(.rows, of: Matrix(a.elements, 3, 2), packing, into: packed.elements)
    products.multiply(operand, operand, into: Matrix(c.elements, rows, 3))
  }

  @Test func operandsFitTheirProducts() async throws {
    try Self.multiply()
    await #expect(processExitsWith: .failure) { try EdgeTests.multiply(lanes: 2) }
    await #expect(processExitsWith: .failure) { try EdgeTests.multiply(depth: 3) }
    await #expect(processExitsWith: .failure) { try EdgeTests.multiply(.left) }
    await #expect(processExitsWith: .failure) { try EdgeTests.multiply(room: 5) }
    await #expect(processExitsWith: .failure) { try EdgeTests.multiply(rows: 2) }
  }
}
