internal import CMuonShims
internal import Glibc

/// What the library has to know of the process it is in.
enum Process {
  /// How many forks lie between this process and the one that loaded the library: unlike the process's number, a
  /// child never shares it with its parent.
  static var forks: UInt32 { muon_shim_forks() }

  /// Lets others run for so long.
  static func pause(microseconds: UInt32) { usleep(microseconds) }
}
