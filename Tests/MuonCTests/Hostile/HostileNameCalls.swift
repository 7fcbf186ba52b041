import CMuon

extension HostileCall {
  private static func name(_ right: String) -> Argument {
    .text(
      right,
      wrong: [
        ("empty", [], MUON_ERR_INVALID_ARGUMENT),
        ("another", Array("svdd".utf8), MUON_ERR_INVALID_ARGUMENT),
        ("not UTF-8", [0x6C, 0xFF, 0xFE], MUON_ERR_INVALID_ARGUMENT),
        ("long", [UInt8](repeating: 0x61, count: 100_000), MUON_ERR_INVALID_ARGUMENT),
      ])
  }

  private static let everyNumber = [0, 77, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]

  /// The name of a value, where any number may arrive.
  private static func naming(
    _ function: String, _ isThere: @escaping (UInt32) -> Bool
  ) -> HostileCall {
    HostileCall(function, .enumeration(1, fine: everyNumber)) {
      isThere($0.uint32(0)) ? MUON_OK : MUON_ERR_INTERNAL
    }
  }

  static func names() -> [HostileCall] {
    [
      naming("muon_backend_name") { unsafe muon_backend_name(muon_backend($0)) != nil },
      naming("muon_precision_name") { unsafe muon_precision_name(muon_precision($0)) != nil },
      naming("muon_newton_schulz_method_name") {
        unsafe muon_newton_schulz_method_name(muon_newton_schulz_method($0)) != nil
      },
      naming("muon_dtype_name") { unsafe muon_dtype_name(muon_dtype($0)) != nil },
      naming("muon_master_name") { unsafe muon_master_name(muon_master($0)) != nil },
      naming("muon_optimizer_kind_name") {
        unsafe muon_optimizer_kind_name(muon_optimizer_kind($0)) != nil
      },
      naming("muon_momentum_style_name") {
        unsafe muon_momentum_style_name(muon_momentum_style($0)) != nil
      },
      naming("muon_shape_scale_name") { unsafe muon_shape_scale_name(muon_shape_scale($0)) != nil },
      naming("muon_second_moment_name") {
        unsafe muon_second_moment_name(muon_second_moment($0)) != nil
      },
      naming("muon_nonfinite_policy_name") {
        unsafe muon_nonfinite_policy_name(muon_nonfinite_policy($0)) != nil
      },
      naming("muon_statistics_level_name") {
        unsafe muon_statistics_level_name(muon_statistics_level($0)) != nil
      },
      naming("muon_log_level_name") { unsafe muon_log_level_name(muon_log_level($0)) != nil },
      HostileCall("muon_backend_from_name", name("svd"), .out) {
        unsafe muon_backend_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_precision_from_name", name("bf16"), .out) {
        unsafe muon_precision_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_newton_schulz_method_from_name", name("gram"), .out) {
        unsafe muon_newton_schulz_method_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_momentum_style_from_name", name("ema"), .out) {
        unsafe muon_momentum_style_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_shape_scale_from_name", name("spectral"), .out) {
        unsafe muon_shape_scale_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_second_moment_from_name", name("normuon"), .out) {
        unsafe muon_second_moment_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_nonfinite_policy_from_name", name("skip"), .out) {
        unsafe muon_nonfinite_policy_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_statistics_level_from_name", name("basic"), .out) {
        unsafe muon_statistics_level_from_name($0.input(0), $0.out(1))
      },
      HostileCall("muon_log_level_from_name", name("info"), .out) {
        unsafe muon_log_level_from_name($0.input(0), $0.out(1))
      },
      HostileCall(
        "muon_option_get_range", .enumeration(1, fine: [0]), name("eps"), .out
      ) {
        unsafe muon_option_get_range(muon_optimizer_kind($0.uint32(0)), $0.input(1), $0.out(2))
      },
      HostileCall(
        "muon_optimizer_find_param", .handle(.optimizer), name("param0"), .out
      ) { unsafe muon_optimizer_find_param($0.handle(0), $0.input(1), $0.out(2)) },
      HostileCall(
        "muon_optimizer_get_param_name", .handle(.optimizer), .integer(0),
        .pointer(misaligned: MUON_OK), .integer(7, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_param_name(
          $0.handle(0), $0.int64(1), $0.out(2), $0.integer(3), $0.out(4))
      },
      HostileCall(
        "muon_optimizer_get_param_group", .handle(.optimizer), .integer(0), .out
      ) { unsafe muon_optimizer_get_param_group($0.handle(0), $0.int64(1), $0.out(2)) },
    ]
  }
}
