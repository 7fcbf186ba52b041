// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

private let levels: [(muon_log_level, Log.Level)] = [
  (MUON_LOG_LEVEL_ERROR, .error), (MUON_LOG_LEVEL_WARNING, .warning), (MUON_LOG_LEVEL_INFO, .info),
]

@c @implementation
public func muon_set_log_callback(
  _ callback: muon_log_callback?, _ context: UnsafeMutableRawPointer?, _ level: muon_log_level
) -> muon_status {
  guarded {
    guard let callback = unsafe callback else {
      Log.setHandler(nil)
      return
    }
    let upTo = try value(level, in: levels, "level")
    // A number, for a pointer may not be given to other threads.
    let context = UInt(bitPattern: context)
    Log.setHandler(upTo: upTo) { level, message in
      guard let level = try? cValue(level, in: levels) else { return }
      unsafe message.withCString {
        unsafe callback(level, $0, UnsafeMutableRawPointer(bitPattern: context))
      }
    }
  }
}
