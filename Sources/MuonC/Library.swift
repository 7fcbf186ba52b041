// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_version_number() -> UInt32 {
  let version = BuildInfo.version
  return UInt32(version.major * 10000 + version.minor * 100 + version.patch)
}

/// Not locked while it is made, which takes long and loads OpenBLAS.
let buildInfo = Lock<PermanentText?>(nil, heldAcrossForks: true)

@c @implementation
public func muon_build_info() -> UnsafePointer<CChar>? {
  unsafe hosted {
    if let made = buildInfo.withLock({ $0 }) { return unsafe made.start }
    let description = BuildInfo.description
    return unsafe buildInfo.withLock { info in
      let text = info ?? PermanentText(description)
      info = text
      return unsafe text.start
    }
  }
}

@c @implementation
public func muon_set_num_threads(_ count: Int32) -> muon_status {
  guarded { try Threads.setCount(count == 0 ? nil : Int(count)) }
}

@c @implementation
public func muon_get_num_threads() -> Int32 { hosted { Int32(clamping: Threads.count) } }
