import CMuon
import Testing

extension HostileCall {
  /// Of one rank.
  private static let exchange = Argument.pointer(null: MUON_OK) { fill($1) }

  /// Of pieces of work, or of ranks.
  private static let numbers = Argument.pointer {
    unsafe $1.start(as: Int64.self).update(repeating: 7, count: 8)
  }

  private static func fill(_ memory: ArgumentMemory) {
    let exchange = unsafe memory.start(as: muon_exchange.self)
    expectOK(unsafe muon_exchange_init(exchange, MemoryLayout<muon_exchange>.size))
    unsafe exchange.pointee.agree = { _, _, _ in 0 }
    unsafe exchange.pointee.share = { _, _, _, _ in 0 }
    unsafe exchange.pointee.finish = { _ in 0 }
  }

  static func exchanges() -> [HostileCall] {
    unsafe [
      HostileCall("muon_exchange_init", .out, .integer(MemoryLayout<muon_exchange>.size)) {
        unsafe muon_exchange_init($0.out(0), $0.integer(1))
      },
      HostileCall("muon_optimizer_set_exchange", .handle(.optimizer), exchange) {
        unsafe muon_optimizer_set_exchange($0.handle(0), $0.input(1))
      },
      HostileCall(
        "muon_plan_owners", numbers, .integer(3, fine: [0]), numbers,
        .integer(2), .out, .integer(8, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_plan_owners(
          $0.input(0), $0.integer(1), $0.input(2), $0.integer(3), $0.out(4), $0.integer(5),
          $0.out(6))
      },
      HostileCall("muon_optimizer_get_owner", .handle(.optimizer), .integer(0), .out) {
        unsafe muon_optimizer_get_owner($0.handle(0), $0.int64(1), $0.out(2))
      },
    ]
  }
}
