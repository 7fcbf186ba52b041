internal import CMuonShims

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
