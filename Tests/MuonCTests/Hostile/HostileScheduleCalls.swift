import CMuon

extension HostileCall {
  static let scheduledOption = Argument.text(
    "momentum",
    wrong: [
      ("empty", [], MUON_ERR_INVALID_ARGUMENT),
      ("not scheduled", Array("eps".utf8), MUON_ERR_INVALID_ARGUMENT),
      ("not UTF-8", [0x64, 0xFF], MUON_ERR_INVALID_ARGUMENT),
    ])

  private static let fraction = Argument.double(0.5, refused: [1.5, -.leastNonzeroMagnitude])
  private static let length = Argument.integer(10, fine: [1 << 32])

  /// Two handles of one schedule, which may be there twice.
  private static let twoSchedules = Argument.pointer { world, memory in
    let handles = unsafe memory.start(as: UInt.self)
    for index in 0..<2 { unsafe handles[index] = world.schedule.bits }
  }

  /// One optimizer.
  private static let oneOptimizer = Argument.pointer { world, memory in
    unsafe memory.start().pointee = world.muon.bits
  }

  static func schedules() -> [HostileCall] {
    [
      HostileCall("muon_schedule_create_linear", fraction, fraction, length, .out) {
        unsafe muon_schedule_create_linear($0.double(0), $0.double(1), $0.int64(2), $0.out(3))
      },
      HostileCall("muon_schedule_create_constant", fraction, length, .out) {
        unsafe muon_schedule_create_constant($0.double(0), $0.int64(1), $0.out(2))
      },
      HostileCall(
        "muon_schedule_create_cosine", length, .double(0.1, refused: [1e308], fine: [0]), .out
      ) {
        unsafe muon_schedule_create_cosine($0.int64(0), $0.double(1), $0.out(2))
      },
      HostileCall(
        "muon_schedule_create_trapezoid", .integer(2, fine: [0]), .integer(3, fine: [0]), length,
        fraction, fraction, .out
      ) {
        unsafe muon_schedule_create_trapezoid(
          $0.int64(0), $0.int64(1), $0.int64(2), $0.double(3), $0.double(4), $0.out(5))
      },
      HostileCall(
        "muon_schedule_create_sequential", twoSchedules, .integer(2),
        .pointer { unsafe $1.start(as: Int64.self).pointee = 7 }, .integer(1), .out
      ) {
        unsafe muon_schedule_create_sequential(
          $0.input(0), $0.integer(1), $0.input(2), $0.integer(3), $0.out(4))
      },
      HostileCall("muon_schedule_create_chained", twoSchedules, .integer(2), .out) {
        unsafe muon_schedule_create_chained($0.input(0), $0.integer(1), $0.out(2))
      },
      HostileCall(
        "muon_schedule_get_rate", .handle(.schedule), .double(0.5, refused: [1e308], fine: [0]),
        .integer(3, fine: [0, 1 << 32]), .out
      ) {
        unsafe muon_schedule_get_rate($0.handle(0), $0.double(1), $0.int64(2), $0.out(3))
      },
      HostileCall("muon_schedule_destroy", .handle(.schedule, null: MUON_OK)) {
        unsafe muon_schedule_destroy($0.handle(0))
      },
    ]
  }

  static func schedulers() -> [HostileCall] {
    [
      HostileCall(
        "muon_scheduler_create", .handle(.schedule), oneOptimizer, .integer(1), .out
      ) {
        unsafe muon_scheduler_create($0.handle(0), $0.input(1), $0.integer(2), $0.out(3))
      },
      HostileCall(
        "muon_scheduler_create_for_option", .handle(.schedule), scheduledOption, oneOptimizer,
        .integer(1), .out
      ) {
        unsafe muon_scheduler_create_for_option(
          $0.handle(0), $0.text(1), $0.input(2), $0.integer(3), $0.out(4))
      },
      HostileCall("muon_scheduler_step", .handle(.scheduler)) {
        unsafe muon_scheduler_step($0.handle(0))
      },
      HostileCall("muon_scheduler_get_step", .handle(.scheduler), .out) {
        unsafe muon_scheduler_get_step($0.handle(0), $0.out(1))
      },
      HostileCall(
        "muon_scheduler_set_step", .handle(.scheduler), .integer(3, fine: [0, 1 << 32])
      ) { unsafe muon_scheduler_set_step($0.handle(0), $0.int64(1)) },
      HostileCall(
        "muon_scheduler_get_last_lr", .handle(.scheduler), .out,
        .integer(1, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_scheduler_get_last_lr($0.handle(0), $0.out(1), $0.integer(2), $0.out(3))
      },
      HostileCall("muon_scheduler_destroy", .handle(.scheduler, null: MUON_OK)) {
        unsafe muon_scheduler_destroy($0.handle(0))
      },
    ]
  }

  private static let configuration = Argument.text(
    #"{"training": {"optimizer": "Muon", "learning_rate": 1, "n_epochs": 1}}"#,
    wrong: [
      ("empty", [], MUON_ERR_CONFIG),
      ("not UTF-8", Array(#"{"training": ""#.utf8) + [0xFF, 0xFE], MUON_ERR_INVALID_ARGUMENT),
      ("cut UTF-8", [0x22, 0xE2, 0x82], MUON_ERR_INVALID_ARGUMENT),
      ("cut", Array(#"{"training": {"optimizer""#.utf8), MUON_ERR_CONFIG),
      ("of another type", Array("[1, 2]".utf8), MUON_ERR_CONFIG),
      ("without a section", Array("{}".utf8), MUON_ERR_CONFIG),
      (
        "with a wrong type",
        Array(#"{"training": {"optimizer": "Muon", "learning_rate": {}}}"#.utf8),
        MUON_ERR_CONFIG
      ),
      ("deep", [UInt8](repeating: UInt8(ascii: "["), count: 10_000), MUON_ERR_CONFIG),
      (
        "deep in a key", Array(#"{"a": "#.utf8) + [UInt8](repeating: 0x5B, count: 10_000),
        MUON_ERR_CONFIG
      ),
    ])

  static func builders() -> [HostileCall] {
    [
      HostileCall(
        "muon_config_route_params", configuration, param, .integer(1, fine: [0]), .out,
        .integer(1, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_config_route_params(
          $0.input(0), $0.input(1), $0.integer(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall(
        "muon_config_match_rules", configuration, param, .integer(1, fine: [0]), .out,
        .integer(1, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_config_match_rules(
          $0.input(0), $0.input(1), $0.integer(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall(
        "muon_config_build_optimizers", configuration, param, .integer(1, fine: [0]), .out,
        .integer(2, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_config_build_optimizers(
          $0.input(0), $0.input(1), $0.integer(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall(
        "muon_config_build_schedulers", configuration, oneOptimizer, .integer(1, fine: [0]),
        .integer(
          10, fine: [1 << 32], but: [.max: MUON_ERR_CONFIG, 1 << 62: MUON_ERR_CONFIG]), .out,
        .integer(1, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_config_build_schedulers(
          $0.input(0), $0.input(1), $0.integer(2), $0.int64(3), $0.out(4), $0.integer(5),
          $0.out(6))
      },
    ]
  }
}
