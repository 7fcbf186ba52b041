import CMuon
import Testing

/// Statistics through the C interface.
struct StatisticsCallTests {
  private let world = World()

  private func statistics(
    _ optimizer: Handle, sourceLocation: SourceLocation = #_sourceLocation
  ) -> muon_param_statistics {
    var statistics = muon_param_statistics()
    expectOK(
      unsafe muon_param_statistics_init(&statistics, MemoryLayout<muon_param_statistics>.size),
      sourceLocation: sourceLocation)
    expectOK(
      unsafe muon_optimizer_get_param_statistics(optimizer.pointer, 0, &statistics),
      sourceLocation: sourceLocation)
    return statistics
  }

  @Test func areThereAfterAMeasuredStep() {
    for optimizer in [world.muon, world.adamW] {
      let none = statistics(optimizer)
      #expect(none.struct_size == MemoryLayout<muon_param_statistics>.size)
      #expect(none.step == 0)
      #expect(none.grad_norm.isNaN && none.update_rms.isNaN && none.effective_lr.isNaN)
      #expect(none.orthogonality_error.isNaN)

      for level in [MUON_STATISTICS_LEVEL_BASIC, MUON_STATISTICS_LEVEL_ORTHOGONALITY] {
        expectOK(unsafe muon_optimizer_set_statistics_level(optimizer.pointer, level))
        var read = MUON_STATISTICS_LEVEL_NONE
        expectOK(unsafe muon_optimizer_get_statistics_level(optimizer.pointer, &read))
        #expect(read == level)
        expectOK(unsafe muon_optimizer_step(optimizer.pointer))
        let some = statistics(optimizer)
        #expect(some.step == (level == MUON_STATISTICS_LEVEL_BASIC ? 1 : 2))
        // The gradient is 1, 2, ... 6.
        #expect(abs(some.grad_norm - 91.0.squareRoot()) < 1e-12)
        #expect(some.update_rms > 0)
        #expect(some.effective_lr == (optimizer == world.muon ? 0.02 : 1e-3))
        let isMeasured = optimizer == world.muon && level == MUON_STATISTICS_LEVEL_ORTHOGONALITY
        #expect(some.orthogonality_error.isNaN == !isMeasured)
      }
    }
  }

  @Test func needTheirStructToBeInitialized() {
    var statistics = muon_param_statistics()
    for size in [0, 8, MemoryLayout<muon_param_statistics>.size + 4, 1 << 20] {
      statistics.struct_size = size
      expectRefused(
        unsafe muon_optimizer_get_param_statistics(world.muon.pointer, 0, &statistics),
        MUON_ERR_INVALID_ARGUMENT)
      #expect(lastError().contains("muon_param_statistics_init"))
      #expect(statistics.struct_size == size)
    }
  }
}
