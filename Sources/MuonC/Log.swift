// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_set_log_callback(
  _ level: muon_log_level, _ callback: muon_log_callback?, _ context: UnsafeMutableRawPointer?
) -> muon_status {
  guarded {
    guard let callback = unsafe callback else {
      Log.setHandler(nil)
      return
    }
    let upTo = try Log.Level(level, "level")
    // A number, for a pointer may not be given to other threads.
    let context = UInt(bitPattern: context)
    Log.setHandler(upTo: upTo) { level, message in
      guard let level = try? muon_log_level(named: level.cName) else { return }
      unsafe message.withCString {
        unsafe callback(level, $0, UnsafeMutableRawPointer(bitPattern: context))
      }
    }
  }
}
