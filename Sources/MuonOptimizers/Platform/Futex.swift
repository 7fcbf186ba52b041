internal import CMuonShims
internal import Synchronization

/// Sleeping on a word of memory. Whoever changes the word wakes all who sleep on it.
enum Futex {
  /// Sleeps until it is woken, if the word has that value; may return before.
  static func sleep(on word: borrowing Atomic<UInt32>, while value: UInt32) {
    unsafe withUnsafePointer(to: word) { unsafe muon_shim_sleep_while($0, value) }
  }

  static func wakeSleepers(on word: borrowing Atomic<UInt32>) {
    unsafe wakeSleepers(at: address(of: word))
  }

  /// The same after the word may be gone: it is not read.
  @unsafe
  static func wakeSleepers(at address: UnsafeRawPointer) { unsafe muon_shim_wake_sleepers(address) }

  @unsafe
  static func address(of word: borrowing Atomic<UInt32>) -> UnsafeRawPointer {
    unsafe withUnsafePointer(to: word) { unsafe UnsafeRawPointer($0) }
  }
}
