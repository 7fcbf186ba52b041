import CMuon
import Testing

/// The exchange through the C interface.
struct ExchangeCallTests {
  private let world = World()

  /// What the callbacks of a test have been told, and what they return.
  private struct Notes {
    var calls: [Int32] = []
    var bytes = 0
    /// 1 for agree, 2 for share, 3 for finish.
    var failing: Int32 = 0
    var describes = true

    mutating func note(_ call: Int32) -> Int32 {
      calls.append(call)
      return call == failing ? 40 + call : 0
    }
  }

  private func exchange(_ notes: UnsafeMutablePointer<Notes>) -> muon_exchange {
    var exchange = unsafe muon_exchange()
    expectOK(unsafe muon_exchange_init(&exchange, MemoryLayout<muon_exchange>.size))
    unsafe exchange.context = UnsafeMutableRawPointer(notes)
    unsafe exchange.agree = { context, _, _ in
      unsafe context?.assumingMemoryBound(to: Notes.self).pointee.note(1) ?? -1
    }
    unsafe exchange.share = { context, owner, data, bytes in
      guard let notes = unsafe context?.assumingMemoryBound(to: Notes.self), unsafe data != nil,
        owner == 0
      else { return -1 }
      unsafe notes.pointee.bytes += bytes
      return unsafe notes.pointee.note(2)
    }
    unsafe exchange.finish = { context in
      unsafe context?.assumingMemoryBound(to: Notes.self).pointee.note(3) ?? -1
    }
    return unsafe exchange
  }

  private func owner(_ optimizer: Handle) -> Int32 {
    var rank = Int32(-7)
    expectOK(unsafe muon_optimizer_get_owner(optimizer.pointer, 0, &rank))
    return rank
  }

  @Test func isToldOfEachStep() {
    var notes = Notes()
    unsafe withUnsafeMutablePointer(to: &notes) { notes in
      var exchange = unsafe exchange(notes)
      #expect(unsafe exchange.rank == 0 && exchange.rank_count == 1)
      for optimizer in [world.muon, world.adamW] {
        unsafe notes.pointee.calls = []
        #expect(owner(optimizer) == -1)
        expectOK(unsafe muon_optimizer_set_exchange(optimizer.pointer, &exchange))
        let set = unsafe notes.pointee.calls.count
        expectOK(unsafe muon_optimizer_step(optimizer.pointer))
        let isMuon = optimizer == world.muon
        #expect(unsafe Array(notes.pointee.calls[set...]) == (isMuon ? [1, 2, 3] : [1]))
        #expect(unsafe notes.pointee.bytes == 24)
        #expect(owner(optimizer) == (isMuon ? 0 : -1))
        expectOK(unsafe muon_optimizer_set_exchange(optimizer.pointer, nil))
        #expect(owner(optimizer) == -1)
      }
    }
  }

  /// The other ranks hear of a step that this one cannot make, and need not wait for it.
  @Test func isToldOfAStepThatIsRefused() {
    var notes = Notes()
    let gradient: [Float] = [1, 2, 3, 4, 5, 6]
    unsafe withUnsafeMutablePointer(to: &notes) { notes in
      var exchange = unsafe exchange(notes)
      for optimizer in [world.muon, world.adamW] {
        expectOK(unsafe muon_optimizer_set_exchange(optimizer.pointer, &exchange))
        for (index, count, isThere, status) in [
          (0, 5, true, MUON_ERR_SHAPE), (7, 6, true, MUON_ERR_INVALID_ARGUMENT),
          (0, 6, false, MUON_ERR_INVALID_ARGUMENT),
        ] {
          unsafe notes.pointee.calls = []
          unsafe gradient.withUnsafeBufferPointer { gradient in
            expectRefused(
              unsafe muon_optimizer_step_param(
                optimizer.pointer, Int64(index), isThere ? gradient.baseAddress : nil, count),
              status)
          }
          // That it cannot, and why.
          #expect(unsafe notes.pointee.calls == [1, 1])
          #expect(lastError().hasPrefix("rank 0: "))
        }
        expectOK(unsafe muon_optimizer_step(optimizer.pointer))
        expectOK(unsafe muon_optimizer_set_exchange(optimizer.pointer, nil))
      }
    }
  }

  @Test func namesWhatHasFailed() {
    var notes = Notes()
    unsafe withUnsafeMutablePointer(to: &notes) { notes in
      var exchange = unsafe exchange(notes)
      let failures = [
        (1, "agree failed on rank 0: it returned 41"), (2, "it returned 42"), (3, "finish"),
      ]
      for (failing, text) in failures {
        expectOK(unsafe muon_optimizer_set_exchange(world.muon.pointer, &exchange))
        unsafe notes.pointee.failing = Int32(failing)
        expectRefused(unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_EXCHANGE)
        #expect(lastError().contains(text))
        #expect(lastError().contains("load a checkpoint") == (failing > 1))
        expectRefused(unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_EXCHANGE)
        unsafe notes.pointee.failing = 0
        guard failing > 1 else { continue }
        #expect(lastError().contains("load a checkpoint"))
        expectRefused(
          unsafe muon_optimizer_set_exchange(world.muon.pointer, &exchange), MUON_ERR_EXCHANGE)
        load(world.muon)
      }
      // In its own words.
      expectOK(unsafe muon_optimizer_set_exchange(world.muon.pointer, nil))
      unsafe exchange.describe = { _ in
        let text: StaticString = "a cable was cut"
        return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
      }
      unsafe notes.pointee.failing = 1
      expectRefused(
        unsafe muon_optimizer_set_exchange(world.muon.pointer, &exchange), MUON_ERR_EXCHANGE)
      #expect(lastError() == "agree failed on rank 0: a cable was cut")
    }
  }

  /// A checkpoint of itself: it makes no difference what is in it.
  private func load(_ optimizer: Handle) {
    var (handle, size) = (unsafe optimizer.pointer, 0)
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    expectOK(
      unsafe muon_checkpoint_save_memory(&handle, 1, nil, 0, nil, &bytes, bytes.count, &size))
    expectOK(unsafe muon_checkpoint_load_memory(bytes, size, &handle, 1, nil, 0, nil))
  }

  @Test func refusesWhatItCannotBe() {
    var notes = Notes()
    unsafe withUnsafeMutablePointer(to: &notes) { notes in
      let right = unsafe exchange(notes)
      var wrong = unsafe right
      unsafe wrong.agree = nil
      unsafe refuse(wrong, "agree")
      unsafe wrong = right
      unsafe wrong.share = nil
      unsafe refuse(wrong, "share")
      unsafe wrong = right
      unsafe wrong.finish = nil
      unsafe refuse(wrong, "finish")
      for (rank, count) in [(1, 1), (-1, 1), (0, 0), (0, .max), (.min, .min)] as [(Int32, Int32)] {
        unsafe wrong = right
        unsafe (wrong.rank, wrong.rank_count) = (rank, count)
        unsafe refuse(wrong, "rank")
      }
      unsafe wrong = right
      unsafe wrong.struct_size = 8
      unsafe refuse(wrong, "muon_exchange_init")
      #expect(unsafe notes.pointee.calls.isEmpty)
    }
  }

  private func refuse(_ exchange: muon_exchange, _ text: String) {
    var exchange = unsafe exchange
    expectRefused(
      unsafe muon_optimizer_set_exchange(world.muon.pointer, &exchange), MUON_ERR_INVALID_ARGUMENT)
    #expect(lastError().contains(text))
  }
}
