import CMuon
import Testing

extension HostileCall {
  private static let statistics = Argument.pointer {
    expectOK(
      unsafe muon_param_statistics_init($1.start(), MemoryLayout<muon_param_statistics>.size))
  }

  /// A function that can be called, or none.
  private static let callback = Argument(
    right: { _, _ in
      let nothing: muon_log_callback = { _, _, _ in }
      return unsafe unsafeBitCast(nothing, to: UInt.self)
    },
    wrong: { _, _ in [Argument.Wrong(what: "NULL", bits: 0, status: MUON_OK)] })

  static func statisticsAndLog() -> [HostileCall] {
    [
      HostileCall(
        "muon_optimizer_set_statistics_level", .handle(.optimizer), .enumeration(1, fine: [0])
      ) {
        unsafe muon_optimizer_set_statistics_level(
          $0.handle(0), muon_statistics_level($0.uint32(1)))
      },
      HostileCall("muon_optimizer_get_statistics_level", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_statistics_level($0.handle(0), $0.out(1))
      },
      HostileCall(
        "muon_param_statistics_init", .out, .integer(MemoryLayout<muon_param_statistics>.size)
      ) { unsafe muon_param_statistics_init($0.out(0), $0.integer(1)) },
      HostileCall(
        "muon_optimizer_get_param_statistics", .handle(.optimizer), .integer(0), statistics
      ) { unsafe muon_optimizer_get_param_statistics($0.handle(0), $0.int64(1), $0.out(2)) },
      HostileCall(
        "muon_set_log_callback", .enumeration(1), callback,
        .pointer(null: MUON_OK, misaligned: MUON_OK)
      ) {
        unsafe muon_set_log_callback(
          muon_log_level($0.uint32(0)), unsafeBitCast($0.bits[1], to: muon_log_callback?.self),
          $0.raw(2))
      },
    ]
  }
}
