import CMuon
import Glibc
import Testing

/// Memory that ends early, and memory that is there twice.
struct HostileMemoryTests {
  /// Calls `body` with the last bytes before memory that must not be read.
  private static func atTheEndOfAPage(_ size: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = unsafe mmap(
      nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      Issue.record("no memory")
      return
    }
    unsafe mprotect(start + page, page, PROT_NONE)
    unsafe body(start + page - size)
    unsafe munmap(start, 2 * page)
  }

  /// A caller of an older version has a shorter struct, and says so: no more than its size is read.
  @Test func shortStructsAreNotReadPastTheirEnd() async {
    await #expect(processExitsWith: .success) {
      unsafe HostileMemoryTests.atTheEndOfAPage(8) { memory in
        unsafe memory.storeBytes(of: 8, as: Int.self)
        let world = World()
        let address = UInt(bitPattern: memory)
        var out: OpaquePointer? = nil
        var group: Int64 = 0
        var count = 0
        var route = muon_route()
        var result = [Float](repeating: 0, count: 6)
        let configuration = #"{"training": {"optimizer": "Muon", "learning_rate": 1}}"#
        let options = unsafe UnsafeMutablePointer<muon_muon_options>(bitPattern: address)
        let adamWOptions = unsafe UnsafeMutablePointer<muon_adamw_options>(bitPattern: address)
        let param = unsafe UnsafePointer<muon_param>(bitPattern: address)
        let statuses = unsafe [
          muon_optimizer_create_muon(options, &out),
          muon_optimizer_create_adamw(adamWOptions, &out),
          muon_optimizer_add_muon_group(world.muon.pointer, options, nil, 0, &group),
          muon_optimizer_add_muon_group(world.muon.pointer, nil, param, 1, &group),
          muon_optimizer_add_adamw_group(world.adamW.pointer, adamWOptions, nil, 0, &group),
          muon_optimizer_set_muon_options(world.muon.pointer, 0, options),
          muon_optimizer_set_adamw_options(world.adamW.pointer, 0, adamWOptions),
          muon_optimizer_get_muon_options(world.muon.pointer, 0, options),
          muon_optimizer_get_adamw_options(world.adamW.pointer, 0, adamWOptions),
          muon_orthogonalize(
            [1, 2, 3, 4, 5, 6], 6, 2, 3, UnsafePointer(bitPattern: address), &result, 6),
          muon_optimizer_add_param(world.muon.pointer, 0, param, nil),
          muon_config_route_params(configuration, param, 1, &route, 1, &count),
          muon_config_build_optimizers(configuration, param, 1, &out, 2, &count),
        ]
        #expect(statuses.allSatisfy { $0 == MUON_ERR_INVALID_ARGUMENT }, "\(statuses)")
      }
    }
  }

  /// A matrix that ends with its page is read and written to its end, and not beyond.
  @Test func buffersAreNotReadPastTheirEnd() async {
    await #expect(processExitsWith: .success) {
      let size = 7 * 5 * 4
      unsafe HostileMemoryTests.atTheEndOfAPage(size) { data in
        unsafe HostileMemoryTests.atTheEndOfAPage(size) { gradient in
          unsafe data.initializeMemory(as: Float.self, repeating: 1, count: 35)
          unsafe gradient.initializeMemory(as: Float.self, repeating: 0.5, count: 35)
          let world = World()
          var param = unsafe parameter(world.memory, [7, 5])
          unsafe (param.data, param.grad) = unsafe (data, gradient)
          for optimizer in [world.muon, world.adamW] {
            expectOK(unsafe muon_optimizer_add_param(optimizer.pointer, 0, &param, nil))
            expectOK(unsafe muon_optimizer_step(optimizer.pointer))
            expectOK(unsafe muon_optimizer_zero_grad(optimizer.pointer))
          }
        }
      }
    }
  }

  @Test func orthogonalizeTakesNoPartialOverlap() async {
    await #expect(processExitsWith: .success) {
      let memory = Memory()
      let matrix = unsafe memory.array((0..<20).map { Float($0) })
      for shift in [1, 5, -1, -5] {
        let before = floats(matrix, 20)
        expectRefused(
          unsafe muon_orthogonalize(matrix + 7, 6, 2, 3, nil, matrix + 7 + shift, 6),
          MUON_ERR_INVALID_ARGUMENT)
        #expect(floats(matrix, 20) == before, "written")
      }
      for shift in [0, 6, -6] {
        expectOK(unsafe muon_orthogonalize(matrix + 7, 6, 2, 3, nil, matrix + 7 + shift, 6))
      }
    }
  }

  @Test func orthogonalizeChecksShapes() async {
    await #expect(processExitsWith: .success) {
      let g = [Float](repeating: 1, count: 6)
      var out = [Float](repeating: 7, count: 6)
      let shapes: [(Int64, Int64)] = [
        (1 << 32, 1 << 32), (1 << 62, 4), (.max, .max), (.min, .min), (-2, -3), (2, 4), (0, 6),
        (.min, -1), (3, 1 << 62),
      ]
      for (rows, columns) in shapes {
        expectRefused(
          unsafe muon_orthogonalize(g, 6, rows, columns, nil, &out, 6), MUON_ERR_SHAPE)
      }
      #expect(out == [Float](repeating: 7, count: 6), "the output was written")
      for (rows, columns): (Int64, Int64) in [(0, 0), (0, .max), (.max, 0)] {
        expectOK(muon_orthogonalize(nil, 0, rows, columns, nil, nil, 0))
      }
      for value in [Float.nan, .infinity, -.infinity] {
        var spoilt = g
        spoilt[5] = value
        expectRefused(
          unsafe muon_orthogonalize(spoilt, 6, 2, 3, nil, &out, 6), MUON_ERR_INVALID_ARGUMENT)
      }
    }
  }
}
