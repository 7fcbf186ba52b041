#if arch(x86_64)
  import Glibc
  import MuonOptimizers
  import Testing

  /// Denormal numbers are flushed to zero inside a step, and nowhere else.
  struct FloatingPointTests {
    /// Rounding, masks, and what becomes of denormal numbers; without the flags of what has happened.
    private static func mode() -> UInt32 {
      var environment = fenv_t()
      unsafe fegetenv(&environment)
      return environment.__mxcsr & ~0x3F
    }

    private static func setMode(_ mode: UInt32) {
      var environment = fenv_t()
      unsafe fegetenv(&environment)
      environment.__mxcsr = mode
      unsafe fesetenv(&environment)
    }

    private static func steps() throws {
      for kind in [OptimizerKind.muon, .adamW] {
        let optimizer = try trained(kind)
        try optimizer.parameters[0].withMutableGradient { $0[0] = .nan }
        #expect(throws: MuonError.self) { try optimizer.step() }
      }
      _ = try orthogonalize([Float](repeating: 1, count: 90 * 80), rows: 90, columns: 80)
      let muon = try Muon()
      for index in 0..<30 {
        try muon.add([try Parameter("w\(index)", shape: [64, 64])])
      }
      try muon.step()
    }

    @Test func modeIsAsBefore() async {
      await #expect(processExitsWith: .success) {
        // The default, and one of a host that flushes denormals and rounds towards zero.
        let modes: [UInt32] = [0x1F80, 0xFFC0]
        for threads in [1, 3] {
          try Threads.setCount(threads)
          for mode in modes {
            FloatingPointTests.setMode(mode)
            let before = FloatingPointTests.mode()
            try FloatingPointTests.steps()
            let after = FloatingPointTests.mode()
            FloatingPointTests.setMode(0x1F80)
            #expect(after == before && before == mode, "\(threads) threads")
          }
        }
      }
    }

    /// The pool's threads started in another mode than the one that the host has now.
    @Test func resultsDoNotDependOnTheNumberInAnyMode() async {
      await #expect(processExitsWith: .success) {
        let matrix = uniform(seed: 3, count: 300 * 517)
        try Threads.setCount(3)
        let toNearest = try orthogonalize(matrix, rows: 300, columns: 517)
        FloatingPointTests.setMode(0x7F80)  // towards zero
        let three = try orthogonalize(matrix, rows: 300, columns: 517)
        try Threads.setCount(1)
        let one = try orthogonalize(matrix, rows: 300, columns: 517)
        FloatingPointTests.setMode(0x1F80)
        #expect(sameBits(one, three))
        #expect(!sameBits(one, toNearest))
      }
    }

    /// Where denormal numbers are all there is, they count, also where the host flushes them.
    @Test func resultsDoNotDependOnWhetherTheHostFlushes() async {
      await #expect(processExitsWith: .success) {
        let tiny = uniform(seed: 3, count: 40 * 50).map { $0 * 0x1p-133 }
        let squaredToTiny = tiny.map { ($0 < 0 ? -1e-19 : 1e-19) + $0 * 1e21 }
        func results(_ mode: UInt32) throws -> [[Float]] {
          FloatingPointTests.setMode(mode)
          defer { FloatingPointTests.setMode(0x1F80) }
          let options = OrthogonalizeOptions(epsilon: 0)
          var results = [try orthogonalize(tiny, rows: 40, columns: 50, options: options)]
          for kind in OptimizerKind.allCases {
            let parameter = try Parameter("w", shape: [40, 50])
            try parameter.setGradient(kind == .muon ? tiny : squaredToTiny)
            let optimizer =
              kind == .muon
              ? try Muon([parameter], options: MuonOptions(epsilon: 0))
              : try AdamW([parameter], options: AdamWOptions(epsilon: 0))
            try optimizer.step()
            results.append(parameter.values)
          }
          return results
        }
        let (kept, flushed) = (try results(0x1F80), try results(0x9FC0))
        for (one, other) in zip(kept, flushed) {
          #expect(sameBits(one, other))
          #expect(one.contains { abs($0) > 1e-4 } && one.allSatisfy { $0.isFinite })
        }
      }
    }

    /// The host has asked for signals at overflow and invalid operations: none comes of a gradient that is
    /// refused because of them.
    @Test func refusingDoesNotTrap() async {
      await #expect(processExitsWith: .success) {
        for kind in OptimizerKind.allCases {
          let optimizer = try trained(kind)
          try optimizer.parameters[1].withMutableGradient { $0[3] = 3e38 }
          FloatingPointTests.setMode(0x1F80 & ~0x0480)
          let error = #expect(throws: MuonError.self) { try optimizer.step() }
          FloatingPointTests.setMode(0x1F80)
          #expect(error?.code == .nonFiniteGradient)
        }
      }
    }

    @Test func denormalsAreFlushed() throws {
      for kind in [OptimizerKind.muon, .adamW] {
        let parameter = try Parameter("w", shape: [4, 9])
        try parameter.setGradient([Float](repeating: .leastNormalMagnitude / 8, count: 36))
        let optimizer = kind == .muon ? try Muon([parameter]) : try AdamW([parameter])
        try optimizer.step()
        let state: ParameterBuffer = kind == .muon ? .momentum : .meanGradient
        #expect(try optimizer.values(of: state, ofParameter: 0).allSatisfy { $0 == 0 })
      }
    }
  }
#endif
