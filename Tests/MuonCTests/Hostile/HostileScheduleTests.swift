import CMuon
import Testing

/// Lists of handles with one that is none, and schedules made of schedules made of schedules.
struct HostileScheduleTests {
  @Test func listsOfHandles() async {
    await #expect(processExitsWith: .success) {
      let world = World()
      let configuration =
        #"{"training": {"optimizer": "Muon", "learning_rate": 1, "n_epochs": 1}}"#
      let invalid: [UInt] =
        [world.schedule.bits, world.scheduler.bits, 2, .max] + world.stale.map(\.bits)
      // NULL, and the same one twice.
      let wrong =
        [0, world.muon.bits].map { ($0, MUON_ERR_INVALID_ARGUMENT) }
        + invalid.map { ($0, MUON_ERR_INVALID_HANDLE) }
      for (bits, status) in wrong {
        let list = unsafe [world.muon.pointer, OpaquePointer(bitPattern: bits)]
        var count = 0
        let out = unsafe world.memory.array([0xA5, 0xA5] as [UInt])
        let handles = unsafe UnsafeMutableRawPointer(out)
          .assumingMemoryBound(to: OpaquePointer?.self)
        expectRefused(
          unsafe muon_scheduler_create(world.schedule.pointer, list, 2, handles), status)
        expectRefused(
          unsafe muon_config_build_schedulers(configuration, list, 2, 10, handles, 2, &count),
          status)
        let written = unsafe out[0] != 0xA5 || out[1] != 0xA5
        #expect(!written, "outputs were written")
      }
      for bits in [world.muon.bits, world.scheduler.bits, 2, .max] + world.stale.map(\.bits) {
        let list = unsafe [world.schedule.pointer, OpaquePointer(bitPattern: bits)]
        var out = unsafe OpaquePointer(bitPattern: 0xA5)
        expectRefused(
          unsafe muon_schedule_create_sequential(list, 2, [3], 1, &out), MUON_ERR_INVALID_HANDLE)
        expectRefused(
          unsafe muon_schedule_create_chained(list, 2, &out), MUON_ERR_INVALID_HANDLE)
        #expect(UInt(bitPattern: out) == 0xA5, "the output was written")
      }
      // Not one of the optimizers has been driven.
      var rate = 0.0
      expectOK(unsafe muon_optimizer_get_lr(world.muon.pointer, 0, &rate))
      #expect(rate == 0.02)
    }
  }

  /// Handles let a schedule be put into a schedule without end. Somewhere there must be one: the
  /// depth of the nesting is the depth of the stack.
  @Test func nestingIsLimited() async {
    await #expect(processExitsWith: .success) {
      var inner = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
      var status = MUON_OK
      for depth in 0..<20_000 where status == MUON_OK {
        var list = unsafe inner.pointer
        var next: OpaquePointer? = nil
        unsafe status = muon_schedule_create_sequential(&list, 1, nil, 0, &next)
        guard status == MUON_OK else { continue }
        expectOK(unsafe muon_schedule_destroy(inner.pointer))
        inner = Handle(next)
        guard depth.isMultiple(of: 500) else { continue }
        var rate = 0.0
        expectOK(unsafe muon_schedule_get_rate(inner.pointer, 1, 3, &rate))
      }
      expectRefused(status, MUON_ERR_INVALID_ARGUMENT)
      expectOK(unsafe muon_schedule_destroy(inner.pointer))
    }
  }

  /// A chain of a schedule with itself has twice its parts: 65,536 of them after 16 calls, and as
  /// much time for each rate.
  @Test func growthIsLimited() async {
    await #expect(processExitsWith: .success) {
      var part = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
      var status = MUON_OK
      for _ in 0..<16 where status == MUON_OK {
        let twice = unsafe [part.pointer, part.pointer]
        var next: OpaquePointer? = nil
        unsafe status = muon_schedule_create_chained(twice, 2, &next)
        guard status == MUON_OK else { continue }
        expectOK(unsafe muon_schedule_destroy(part.pointer))
        part = Handle(next)
      }
      expectRefused(status, MUON_ERR_INVALID_ARGUMENT)
    }
  }

  /// What a chain is worked out from grows with the step: it stops at 10^8.
  @Test func chainsStop() async {
    await #expect(processExitsWith: .success) {
      let world = World()
      var list = unsafe world.schedule.pointer
      let chain = Handle { unsafe muon_schedule_create_chained(&list, 1, $0) }
      var rate = -1.0
      for step: Int64 in [100_000_001, 1 << 32, 1 << 53, .max] {
        expectRefused(
          unsafe muon_schedule_get_rate(chain.pointer, 1, step, &rate), MUON_ERR_INVALID_ARGUMENT)
      }
      #expect(rate == -1, "the output was written")
    }
  }
}
