internal import CMuonShims
internal import Glibc

/// Requires that there is memory for so many things of a size, before Swift's arrays are filled with
/// them, which cannot throw.
///
/// A few come out of the reserve of the shared library when there is none left, see reserve.c; this is
/// for many.
package func requireMemory(for count: Int, each size: Int) throws(MuonError) {
  let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
  guard !overflow, bytes < 1 << 20 || muon_shim_has_memory(bytes) != 0 else {
    throw MuonError(.outOfMemory, "out of memory: \(bytes) bytes could not be had")
  }
}

/// The same for what is made of a C string, a multiple of its bytes.
@unsafe
package func requireMemory(forText text: UnsafePointer<CChar>, each size: Int) throws(MuonError) {
  try requireMemory(for: unsafe strlen(text), each: size)
}

/// Memory that Swift does not count: where there is none, that is an error, and not the end of the process.
enum Memory {
  @unsafe
  static func allocate(_ bytes: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    unsafe muon_shim_allocate(alignment, bytes)
  }

  @unsafe
  static func release(_ memory: UnsafeMutableRawPointer) { unsafe free(memory) }

  /// Below, equal to or above 0 as the first bytes come before, are, or come after the others.
  static func compare(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Int {
    if let first = one.baseAddress, let second = other.baseAddress {
      let order = unsafe memcmp(first, second, min(one.count, other.count))
      if order != 0 { return Int(order) }
    }
    return one.count - other.count
  }
}
