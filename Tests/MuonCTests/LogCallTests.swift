import CMuon
import Testing

/// The log's callback. It belongs to the whole process, so each test has one of its own.
struct LogCallTests {
  /// What context points to.
  struct Heard {
    var count = 0
    var level = muon_log_level(0)
    var optimizer: UInt = 0
    var skipped: Int64 = -1
  }

  /// Counts, and asks the optimizer whose step it is told of: it must not be held.
  private static let callback: muon_log_callback = { level, message, context in
    let heard = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: Heard.self)
    unsafe heard.pointee.count += 1
    unsafe heard.pointee.level = level
    let text = unsafe String(cString: message.unsafelyUnwrapped)
    #expect(text.contains("skipped"))
    let optimizer = unsafe OpaquePointer(bitPattern: heard.pointee.optimizer)
    var skipped: Int64 = 0
    expectOK(unsafe muon_optimizer_get_skipped_steps(optimizer, &skipped))
    unsafe heard.pointee.skipped = skipped
    // A failing call of its own.
    expectRefused(muon_optimizer_step(nil), MUON_ERR_INVALID_ARGUMENT)
  }

  @Test func isCalledWithNothingHeld() async {
    await #expect(processExitsWith: .success) {
      let world = World()
      let optimizer = unsafe world.muon.pointer
      let nan = unsafe world.memory.array([Float](repeating: .nan, count: 6))
      expectOK(unsafe muon_optimizer_bind_buffer(optimizer, 0, "grad", nan, 6))
      expectOK(unsafe muon_optimizer_set_nonfinite_policy(optimizer, MUON_NONFINITE_POLICY_SKIP))
      var heard = Heard(optimizer: world.muon.bits)
      expectOK(unsafe muon_set_log_callback(MUON_LOG_LEVEL_WARNING, LogCallTests.callback, &heard))
      expectOK(unsafe muon_optimizer_step(optimizer))
      #expect(heard.count == 1)
      #expect(heard.level == MUON_LOG_LEVEL_WARNING)
      #expect(heard.skipped == 1)

      // NULL: nobody is told, whatever the rest is.
      expectOK(muon_set_log_callback(muon_log_level(77), nil, nil))
      expectOK(unsafe muon_optimizer_step(optimizer))
      #expect(heard.count == 1)
      expectOK(unsafe muon_set_log_callback(MUON_LOG_LEVEL_ERROR, LogCallTests.callback, &heard))
      expectOK(unsafe muon_optimizer_step(optimizer))
      #expect(heard.count == 1)
      // A level that there is not changes nothing.
      expectRefused(
        unsafe muon_set_log_callback(muon_log_level(0), LogCallTests.callback, nil),
        MUON_ERR_INVALID_ARGUMENT)
      expectOK(muon_set_log_callback(MUON_LOG_LEVEL_ERROR, nil, nil))
    }
  }
}
