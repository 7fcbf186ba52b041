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

  private static let (values, gradients) = (
    uniform(seed: 7, count: 330_000), uniform(seed: 80, count: 330_030)
  )

  /// Matrices that a whole team works on, and small ones that its members share out.
  private static func large(
    _ shapes: [(Int, Int)], small: Int, _ options: MuonOptions
  ) throws -> Muon {
    let all = shapes + (0..<small).map { (40 + $0, 90 - 3 * $0) }
    let parameters = try all.enumerated().map { index, shape in
      let count = shape.0 * shape.1
      let parameter = try Parameter(
        "w\(index)", shape: [shape.0, shape.1], values: Array(values[..<count]))
      try parameter.setGradient(Array(gradients[index..<(index + count)]))
      return parameter
    }
    return try Muon(parameters, options: options)
  }

  private static func expectSameBits(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ optimizer: () throws -> Optimizer
  ) throws {
    var one: Snapshot? = nil
    for threads in [1, 2, 3, 8] {
      try Threads.setCount(threads)
      let optimizer = try optimizer()
      try optimizer.step()
      let bits = try Snapshot(optimizer)
      #expect(bits == one ?? bits, "\(what), \(threads) threads", sourceLocation: sourceLocation)
      one = one ?? bits
    }
  }

  /// Products of bfloat16 and of float32, and the Gram iteration with and without restart, also where
  /// it is forced.
  @Test func largeMatricesDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      for shape in [(512, 512), (1100, 300), (300, 1100)] {
        for (backend, precision, method) in [
          (Backend.newtonSchulz5, Precision.auto, NewtonSchulzMethod.auto),
          (.newtonSchulz5, .f32, .auto),
          (.turbo, .auto, .auto), (.turbo, .f32, .auto), (.polarExpress, .auto, .auto),
          (.newtonSchulz5, .auto, .standard), (.newtonSchulz5, .auto, .gram),
          (.polarExpress, .auto, .standard), (.polarExpress, .auto, .gram),
        ] {
          let options = MuonOptions(
            weightDecay: 0.1, backend: backend, precision: precision, method: method)
          try ThreadTests.expectSameBits("\(shape) \(backend) \(precision) \(method)") {
            try ThreadTests.large([shape], small: 0, options)
          }
        }
      }
    }
  }

  @Test func exactFactorsDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      try ThreadTests.expectSameBits("svd") {
        try ThreadTests.large([(512, 512), (480, 500)], small: 2, MuonOptions(backend: .svd))
      }
    }
  }

  @Test func mixturesDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      for options in [
        MuonOptions(precision: .auto), MuonOptions(precision: .f32), MuonOptions(method: .gram),
      ] {
        try ThreadTests.expectSameBits("\(options.precision) \(options.method)") {
          try ThreadTests.large([(512, 512), (1100, 300), (300, 401)], small: 20, options)
        }
      }
    }
  }

  /// Of middle size: one a thread where there are enough of them, and the odd ones by all threads.
  @Test func severalOfMiddleSizeDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      for (options, shapes) in [
        (MuonOptions(precision: .auto), [(512, 256), (512, 256), (512, 256), (320, 640)]),
        (MuonOptions(precision: .f32), [(512, 512), (512, 512), (300, 401), (256, 256)]),
        (MuonOptions(backend: .turbo), [(512, 512), (512, 512), (512, 512)]),
      ] {
        try ThreadTests.expectSameBits("\(shapes)") {
          try ThreadTests.large(shapes, small: 3, options)
        }
      }
    }
  }

  /// Also where there is an odd one for all threads, and where LAPACK has a large one.
  @Test func batchesDoNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      for (backend, batch, rows, columns) in [
        (Backend.orthogonalize, 3, 400, 320), (.newtonSchulz5, 5, 300, 300), (.svd, 1, 40, 26_300),
      ] {
        let matrices = uniform(seed: 3, count: batch * rows * columns)
        var one: [Float]? = nil
        for threads in [1, 2, 3, 8] {
          try Threads.setCount(threads)
          let results = try orthogonalize(
            matrices, batch: batch, rows: rows, columns: columns,
            options: OrthogonalizeOptions(backend: backend))
          #expect(sameBits(results, one ?? results), "\(batch) \(rows)x\(columns) \(threads)")
          one = one ?? results
        }
      }
    }
  }

  @Test func orthogonalizeDoesNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      let matrix = uniform(seed: 3, count: 300 * 517)
      for backend in [Backend.newtonSchulz5, .turbo, .cubic5, .svd] {
        for precision in [Precision.auto, .f32] {
          let options = OrthogonalizeOptions(backend: backend, precision: precision)
          var one: [Float]? = nil
          for threads in [1, 2, 3, 8] {
            try Threads.setCount(threads)
            let result = try orthogonalize(matrix, rows: 300, columns: 517, options: options)
            #expect(sameBits(result, one ?? result), "\(backend) \(precision) \(threads)")
            one = one ?? result
          }
        }
      }
    }
  }

  /// The last part is no multiple of a vector register.
  @Test func adamWDoesNotDependOnTheNumber() async {
    await #expect(processExitsWith: .success) {
      let count = 1_500_007
      let (values, gradient) = (uniform(seed: 1, count: count), uniform(seed: 2, count: count))
      try ThreadTests.expectSameBits("AdamW") {
        let parameters = try [count, 5].map { count in
          let parameter = try Parameter(
            "w\(count)", shape: [count], values: Array(values[..<count]))
          try parameter.setGradient(Array(gradient[..<count]))
          return parameter
        }
        return try AdamW(parameters)
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
