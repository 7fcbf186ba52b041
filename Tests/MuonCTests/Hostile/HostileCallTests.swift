import CMuon
import Foundation
import Testing

/// Every function of muon.h with every argument wrong: a status, never a crash. In child processes,
/// so that a crash is a failed test and not the end of all tests.
struct HostileCallTests {
  @Test func everyFunctionIsInTheTable() throws {
    let groups = [
      HostileCall.library(), HostileCall.orthogonalization(), HostileCall.optimizers(),
      HostileCall.setsOfOptimizers(),
      HostileCall.optimizerOptions(), HostileCall.optimizerState(), HostileCall.schedules(),
      HostileCall.schedulers(), HostileCall.builders(), HostileCall.checkpoints(),
      HostileCall.statisticsAndLog(), HostileCall.names(), HostileCall.exchanges(),
    ]
    let names = groups.joined().map(\.name)
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../..").standardized
    // Made from muon.h: each of its functions in a line.
    let exports = try String(
      contentsOf: root.appending(path: "Sources/MuonC/exports.map"), encoding: .utf8)
    let declared = exports.matches(of: /(?m)^ +(muon_[a-z0-9_]+);$/).map { String($0.1) }
    #expect(declared.count > 50)
    #expect(names.sorted() == declared.sorted())
  }

  @Test func library() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.library()) }
  }

  @Test func orthogonalization() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.orthogonalization()) }
  }

  @Test func optimizers() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.optimizers()) }
  }

  @Test func setsOfOptimizers() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.setsOfOptimizers()) }
  }

  @Test func optimizerOptions() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.optimizerOptions()) }
  }

  @Test func optimizerState() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.optimizerState()) }
  }

  @Test func schedules() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.schedules()) }
  }

  @Test func schedulers() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.schedulers()) }
  }

  @Test func checkpoints() async {
    await #expect(processExitsWith: .success) {
      HostileCall.run(HostileCall.checkpoints())
      try FileManager.default.removeItem(atPath: HostileCall.checkpointPath)
    }
  }

  @Test func builders() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.builders()) }
  }

  @Test func names() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.names()) }
  }

  @Test func exchanges() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.exchanges()) }
  }

  @Test func statisticsAndLog() async {
    await #expect(processExitsWith: .success) { HostileCall.run(HostileCall.statisticsAndLog()) }
  }
}
