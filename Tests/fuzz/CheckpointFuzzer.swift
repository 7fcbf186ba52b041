// A target for libFuzzer: any bytes at all are loaded as a checkpoint. Built by run.sh together with the
// sources of the library, under AddressSanitizer. A trap or a bad access ends it.
import MuonOptimizers

/// The run of Tests/Fixtures/checkpoints. Made once: a refused file changes nothing, which is checked each
/// time.
private final class World {
  let optimizers: [Optimizer]
  let schedulers: [Scheduler]
  let original: [UInt8]

  init() throws {
    let w = try Parameter("layers.0.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    let v = try Parameter("the \"last\" größe", shape: [3, 1])
    let muon = try Muon([w])
    try muon.addGroup([v], options: MuonOptions(backend: .cans))
    let b = try Parameter("layers.0.bias", shape: [3])
    let s = try Parameter("scale", shape: [])
    let warmup = try Schedule.linear(startFactor: 0.25, endFactor: 1, totalIterations: 4)
    let cosine = try Schedule.cosine(tMax: 100, etaMin: 0.001)
    optimizers = [muon, try AdamW([b, s])]
    schedulers = [
      try Scheduler(.sequential([warmup, cosine], milestones: [4]), for: optimizers)
    ]
    original = try Checkpoint.bytes(of: optimizers, schedulers: schedulers)
  }

  func load(_ bytes: [UInt8], _ options: Checkpoint.Options) throws {
    try Checkpoint.load(
      bytes: bytes, optimizers: optimizers, schedulers: schedulers, options: options)
  }
}

nonisolated(unsafe) private let world = try! World()

/// The file with the length and the checksum of its header made right, so that the fuzzer comes past them.
private func sealed(_ bytes: [UInt8]) -> [UInt8] {
  let opening = Array(#"{"__metadata__":{"checksum":""#.utf8)
  let place = 8 + opening.count..<8 + opening.count + 16
  guard bytes.count >= place.upperBound else { return bytes }
  var bytes = bytes
  var length = 0
  for index in (0..<8).reversed() { length = length << 8 & 0xFFFF_FFFF | Int(bytes[index]) }
  length = max(place.upperBound - 8, min(length, bytes.count - 8))
  for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
  bytes.replaceSubrange(8..<8 + opening.count, with: opening)
  for index in place { bytes[index] = UInt8(ascii: "0") }
  let digits = String(checksum(bytes[..<(8 + length)]), radix: 16)
  bytes.replaceSubrange(
    place, with: (String(repeating: "0", count: 16 - digits.count) + digits).utf8)
  return bytes
}

/// XXH64, apart from the library's own.
private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  let p: [UInt64] = [
    0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5,
  ]
  func rotate(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
  func lane(_ a: UInt64, _ w: UInt64) -> UInt64 { rotate(a &+ w &* p[1], 31) &* p[0] }
  func load(_ at: Int, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
  }
  var (at, end, h) = (bytes.startIndex, bytes.endIndex, p[4])
  if bytes.count >= 32 {
    var v = [p[0] &+ p[1], p[1], 0, 0 &- p[0]]
    while end - at >= 32 {
      for i in 0..<4 { v[i] = lane(v[i], load(at + 8 * i, 8)) }
      at += 32
    }
    h = rotate(v[0], 1) &+ rotate(v[1], 7) &+ rotate(v[2], 12) &+ rotate(v[3], 18)
    for each in v { h = (h ^ lane(0, each)) &* p[0] &+ p[3] }
  }
  h = h &+ UInt64(bytes.count)
  while end - at >= 8 {
    h = rotate(h ^ lane(0, load(at, 8)), 27) &* p[0] &+ p[3]
    at += 8
  }
  if end - at >= 4 {
    h = rotate(h ^ load(at, 4) &* p[0], 23) &* p[1] &+ p[2]
    at += 4
  }
  while at < end {
    h = rotate(h ^ UInt64(bytes[at]) &* p[4], 11) &* p[0]
    at += 1
  }
  h = (h ^ h >> 33) &* p[1]
  h = (h ^ h >> 29) &* p[2]
  return h ^ h >> 32
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  // The first byte chooses the options, and whether the header is made right.
  let choice = bytes.first ?? 0
  let options = Checkpoint.Options(
    includesData: choice & 1 == 0, allowsMissing: choice & 2 != 0, allowsExtra: choice & 4 != 0,
    allowsRewritten: choice & 16 != 0)
  let file = Array(bytes.dropFirst())
  do {
    try world.load(choice & 8 == 0 ? sealed(file) : file, options)
    try! world.load(world.original, Checkpoint.Options())
  } catch {}
  guard try! Checkpoint.bytes(of: world.optimizers, schedulers: world.schedulers) == world.original
  else { fatalError("a checkpoint that was refused has changed something") }
  return 0
}
