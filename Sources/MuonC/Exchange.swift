// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

/// The callbacks of a caller.
@safe
private final class CExchange: Exchange {
  let rank, rankCount: Int
  private let callbacks: muon_exchange
  private let agree: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int64>?, Int) -> Int32
  private let share: (UnsafeMutableRawPointer?, Int32, UnsafeMutableRawPointer?, Int) -> Int32
  private let end: (UnsafeMutableRawPointer?) -> Int32

  init(_ callbacks: muon_exchange) throws {
    guard let agree = unsafe callbacks.agree else { throw null("agree of the exchange") }
    guard let share = unsafe callbacks.share else { throw null("share of the exchange") }
    guard let finish = unsafe callbacks.finish else { throw null("finish of the exchange") }
    unsafe (self.agree, self.share, end) = unsafe (agree, share, finish)
    unsafe self.callbacks = callbacks
    (rank, rankCount) = unsafe (Int(callbacks.rank), Int(callbacks.rank_count))
  }

  func agree(_ values: inout [Int64]) throws {
    try requireSuccess(
      unsafe values.withUnsafeMutableBufferPointer {
        unsafe agree(callbacks.context, $0.baseAddress, $0.count)
      })
  }

  func share(_ data: UnsafeMutableRawBufferPointer, from owner: Int) throws {
    try requireSuccess(
      unsafe share(callbacks.context, Int32(owner), data.baseAddress, data.count))
  }

  func finish() throws { try requireSuccess(unsafe end(callbacks.context)) }

  private func requireSuccess(_ result: Int32) throws {
    guard unsafe result != callbacks.success else { return }
    let text = unsafe callbacks.describe.flatMap { unsafe $0(callbacks.context) }
    throw MuonError(
      .exchange, unsafe text.map { unsafe String(cString: $0) } ?? "it returned \(result)")
  }
}

@c @implementation
public func muon_exchange_init(
  _ outExchange: UnsafeMutablePointer<muon_exchange>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outExchange, "outExchange", struct_size) {
    var exchange = unsafe muon_exchange()
    unsafe exchange.rank_count = 1
    return unsafe exchange
  }
}

@c @implementation
public func muon_optimizer_set_exchange(
  _ optimizer: OpaquePointer?, _ exchange: UnsafePointer<muon_exchange>?
) -> muon_status {
  guarded {
    let given =
      unsafe exchange == nil
      ? nil : unsafe try CExchange(try unsafe readStruct(exchange, "exchange"))
    try unsafe withOptimizer(optimizer) { try $0.setExchange(given) }
  }
}

@c @implementation
public func muon_optimizer_get_owner(
  _ optimizer: OpaquePointer?, _ param: Int64, _ outRank: UnsafeMutablePointer<Int32>?
) -> muon_status {
  unsafe guarded(outRank, "outRank") {
    unsafe Int32(
      try withOptimizer(optimizer) { try $0.owner(ofParameter: Int(param)) ?? -1 })
  }
}

@c @implementation
public func muon_plan_owners(
  _ costs: UnsafePointer<Int64>?, _ count: Int, _ loads: UnsafePointer<Int64>?, _ rank_count: Int,
  _ outOwners: UnsafeMutablePointer<Int32>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(outOwners, "outOwners", capacity: capacity, count: outCount)
    let owners = try OwnerPlan.owners(
      costs: unsafe list(costs, count: count, "costs").map { Int($0) },
      loads: unsafe list(loads, count: rank_count, "loads").map { Int($0) })
    result.write(owners.map { Int32($0) })
  }
}
