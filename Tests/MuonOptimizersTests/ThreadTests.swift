import COpenBLAS
import Foundation
import MuonOptimizers
import Synchronization
import Testing

/// The number of threads: of this library, and of the host's OpenBLAS. Both belong to the whole
/// process, so each test has one of its own.
struct ThreadTests {
  /// Eight matrices, large enough together (2e7 multiplications and more) that threads are used.
  private static func optimizer(_ backend: Backend) throws -> Muon {
    let shapes = [
      (96, 96), (80, 128), (128, 80), (64, 64), (37, 53), (100, 90), (90, 110), (1, 99),
    ]
    let parameters = try shapes.enumerated().map { index, shape in
      let count = shape.0 * shape.1
      let parameter = try Parameter(
        "w\(index)", shape: [shape.0, shape.1], values: uniform(seed: 7, count: count))
      try parameter.setGradient(uniform(seed: UInt64(80 + index), count: count))
      return parameter
    }
    return try Muon(parameters, options: MuonOptions(backend: backend))
  }

  private static func bits(_ backend: Backend, threads: Int?) throws -> Snapshot {
    try Threads.setCount(threads)
    let muon = try optimizer(backend)
    for _ in 0..<2 { try muon.step() }
    return try Snapshot(muon)
  }

  private static func onEightThreads(_ body: @escaping @Sendable () throws -> Void) {
    let done = DispatchSemaphore(value: 0)
    for _ in 0..<8 {
      Thread.detachNewThread {
        do { try body() } catch { Issue.record(error) }
        done.signal()
      }
    }
    for _ in 0..<8 { done.wait() }
  }

  @Test func resultsDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      for backend in [Backend.newtonSchulz5, .svd, .turbo] {
        let one = try ThreadTests.bits(backend, threads: 1)
        for threads in [2, 3, 8, Threads.maximum, nil] {
          #expect(try ThreadTests.bits(backend, threads: threads) == one)
        }
      }
    }
  }

  /// A step uses 32 threads at most, also where there is work for more: OpenBLAS ends the process
  /// when too many are inside it.
  @Test func aStepUsesAFewOnly() async {
    await #expect(processExitsWith: .success) {
      try Threads.setCount(Threads.maximum)
      let muon = try Muon()
      for index in 0..<300 {
        let parameter = try Parameter("w\(index)", shape: [64, 64])
        try parameter.withMutableGradient { $0[index] = 1 }
        try muon.add([parameter])
      }
      let before = try ThreadTests.threadsOfThisProcess()
      let most = Atomic(0)
      let isOver = Atomic(false)
      Thread.detachNewThread {
        while !isOver.load(ordering: .relaxed) {
          let now = (try? ThreadTests.threadsOfThisProcess()) ?? 0
          most.max(now, ordering: .relaxed)
        }
        isOver.store(false, ordering: .relaxed)
      }
      try muon.step()
      isOver.store(true, ordering: .relaxed)
      while isOver.load(ordering: .relaxed) { sched_yield() }
      let used = most.load(ordering: .relaxed) - before
      #expect((2...40).contains(used), "\(used)")
    }
  }

  private static func threadsOfThisProcess() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    return try #require(status.firstMatch(of: /Threads:\s+(\d+)/).flatMap { Int($0.1) })
  }

  /// Optimizers that step at once do not disturb one another.
  @Test func optimizersMayStepAtOnce() async {
    await #expect(processExitsWith: .success) {
      let alone = try ThreadTests.bits(.newtonSchulz5, threads: 2)
      ThreadTests.onEightThreads {
        let together = try ThreadTests.bits(.newtonSchulz5, threads: 2)
        #expect(together == alone, "together and alone")
      }
    }
  }

  /// OpenBLAS's own threads would give other bits.
  @Test func resultsDoNotDependOnOpenBLAS() async {
    await #expect(processExitsWith: .success) {
      let matrix = uniform(seed: 3, count: 333 * 353)
      openblas_set_num_threads(1)
      let one = try orthogonalize(matrix, rows: 333, columns: 353)
      for count in [2, 3] as [Int32] {
        openblas_set_num_threads(count)
        let result = try orthogonalize(matrix, rows: 333, columns: 353)
        #expect(sameBits(result, one), "\(count)")
      }
    }
  }

  @Test func openBLASKeepsItsOwn() async {
    await #expect(processExitsWith: .success) {
      for count in [1, 2, 3] as [Int32] {
        openblas_set_num_threads(count)
        for backend in [Backend.newtonSchulz5, .svd] {
          let muon = try ThreadTests.optimizer(backend)
          try muon.step()
          #expect(openblas_get_num_threads() == count)
          _ = try orthogonalize(
            muon.parameters[0].values, rows: 96, columns: 96,
            options: OrthogonalizeOptions(backend: backend))
          #expect(openblas_get_num_threads() == count)
        }
        // Also where the step fails.
        let muon = try ThreadTests.optimizer(.newtonSchulz5)
        try muon.parameters[0].withMutableGradient { $0[0] = .nan }
        #expect(throws: MuonError.self) { try muon.step() }
        #expect(openblas_get_num_threads() == count)
      }
    }
  }

  @Test func canBeSet() async {
    await #expect(processExitsWith: .success) {
      let ownCount = Threads.count
      #expect((1...Threads.maximum).contains(ownCount))
      for count in [3, 1, 1024] {
        try Threads.setCount(count)
        #expect(Threads.count == count)
      }
      for count in [0, -1, 1025, Int.min, .max] {
        #expect(throws: MuonError.self) { try Threads.setCount(count) }
      }
      #expect(Threads.count == 1024)
      try Threads.setCount(nil)
      #expect(Threads.count == ownCount)
    }
  }
}
