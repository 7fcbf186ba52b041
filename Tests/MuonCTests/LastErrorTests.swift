import CMuon
import Foundation
import Synchronization
import Testing

/// muon_last_error: of the thread, of its latest failure, and readable.
struct LastErrorTests {
  private func fail(_ number: Int64) {
    unsafe expectRefused(
      muon_optimizer_get_param_count(OpaquePointer(bitPattern: 3), nil), MUON_ERR_INVALID_ARGUMENT)
    var schedule: OpaquePointer? = nil
    unsafe expectRefused(
      muon_schedule_create_cosine(-number, 0, &schedule), MUON_ERR_INVALID_ARGUMENT)
  }

  /// Each thread sees the failure of its own, however the two take turns.
  @Test func isPerThread() {
    let texts = Mutex<[Int64: Set<String>]>([:])
    let done = DispatchSemaphore(value: 0)
    for number: Int64 in [111, 222] {
      Thread.detachNewThread {
        let before = lastError()
        var seen: Set<String> = []
        for _ in 0..<200 {
          fail(number)
          seen.insert(lastError())
        }
        texts.withLock { $0[number] = before.isEmpty ? seen : ["not empty at first"] }
        done.signal()
      }
    }
    for _ in 0..<2 { done.wait() }
    for (number, seen) in texts.withLock({ $0 }) {
      #expect(seen.count == 1)
      #expect(seen.allSatisfy { $0.contains("-\(number)") })
    }
  }

  @Test func outlivesSuccess() async {
    await #expect(processExitsWith: .success) {
      #expect(lastError() == "", "at first")
      LastErrorTests().fail(7)
      let text = lastError()
      expectOK(muon_optimizer_destroy(nil))
      #expect(lastError() == text, "after a call that succeeded")
    }
  }

  /// A name may be longer than the text can be; it is cut between two characters.
  @Test func isCutBetweenCharacters() {
    let memory = Memory()
    let world = World()
    for letters in 0...3 {
      var param = unsafe parameter(memory, [6])
      let name = String(repeating: "a", count: letters) + String(repeating: "€", count: 5000)
      unsafe param.name = unsafe UnsafePointer(memory.text(name.utf8))
      expectRefused(
        unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil), MUON_ERR_SHAPE)
      let text = unsafe String(validatingCString: muon_last_error())
      #expect(text?.contains("€€€") == true)
    }
  }
}
