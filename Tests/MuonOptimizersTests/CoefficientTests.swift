import MuonOptimizers
import Testing

/// The coefficient rows, against the tables typed out a second time.
struct CoefficientTests {
  @Test(arguments: [
    Backend.newtonSchulz5, .polarExpress, .you, .cans, .deepSeekV4, .orthogonalize,
    BackendTests.short,
  ])
  func rowsForEveryNumberOfSteps(_ backend: Backend) throws {
    let table = try #require(ReferenceTable(backend))
    for steps in [nil] + Array(Backend.stepRange) {
      try compare(backend, table, steps)
    }
  }

  @Test(arguments: [(Backend.cubic5, 5), (.turbo, 4)])
  func tablesOfFixedLength(_ backend: Backend, _ length: Int) throws {
    let table = try #require(ReferenceTable(backend))
    try compare(backend, table, nil)
    try compare(backend, table, length)
    for steps in [1, length - 1, length + 1, 99] {
      #expect(throws: MuonError.self) { try backend.coefficients(steps: steps) }
    }
  }

  private func compare(_ backend: Backend, _ table: ReferenceTable, _ steps: Int?) throws {
    let rows = try backend.coefficients(steps: steps)
    let expected = table.rows(steps: steps).map { Coefficients($0.0, $0.1, $0.2) }
    #expect(rows == expected)
  }

  @Test func ownNumbersOfSteps() throws {
    let counts = try Backend.named.map { try $0.coefficients().count }
    #expect(counts == [5, 0, 5, 5, 5, 10, 5, 4, 10])
    #expect(
      Backend.named.map(\.name) == [
        "newtonschulz5", "svd", "polar_express", "you", "cans", "deepseekv4", "cubic5", "turbo",
        "orthogonalize",
      ])
  }

  @Test(arguments: Backend.named + [BackendTests.short], [0, -1, 100, Int.min, Int.max])
  func refusesNumbersOfSteps(_ backend: Backend, _ steps: Int) {
    let error = #expect(throws: MuonError.self) { try backend.coefficients(steps: steps) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func refusesCustomTables() {
    let row = Coefficients(3, -3.2, 1.2)
    for rows in [
      [], [Coefficients](repeating: row, count: 100), [row, Coefficients(.nan, 0, 0)],
      [Coefficients(1, .infinity, 0)], [Coefficients(1, 0, -.infinity)],
    ] {
      let error = #expect(throws: MuonError.self) { try Backend.custom(rows).coefficients() }
      #expect(error?.code == .invalidArgument)
    }
  }
}
