import CMuon
import Testing

extension HostileCall {
  private static let muonOptions = Argument.pointer {
    expectOK(
      unsafe muon_muon_options_init($1.start(), MemoryLayout<muon_muon_options>.size))
  }

  private static let adamWOptions = Argument.pointer {
    expectOK(
      unsafe muon_adamw_options_init($1.start(), MemoryLayout<muon_adamw_options>.size))
  }

  private static func optional(_ argument: Argument) -> Argument {
    Argument(right: argument.right) { world, memory in
      argument.wrong(world, memory).map {
        $0.bits == 0 ? Argument.Wrong(what: $0.what, bits: 0, status: MUON_OK) : $0
      }
    }
  }

  /// What is no name of a buffer.
  private static let notBuffers: [(String, [UInt8], muon_status)] = [
    ("empty", [], MUON_ERR_INVALID_ARGUMENT),
    ("unknown", Array("velocity".utf8), MUON_ERR_INVALID_ARGUMENT),
    ("of another optimizer", Array("exp_avg".utf8), MUON_ERR_INVALID_ARGUMENT),
    ("long", [UInt8](repeating: 0x64, count: 100_000), MUON_ERR_INVALID_ARGUMENT),
    ("not UTF-8", [0x64, 0xFF], MUON_ERR_INVALID_ARGUMENT),
    ("a label", Array("gradient".utf8), MUON_ERR_INVALID_ARGUMENT),
  ]

  /// One parameter that can be added.
  static let param = Argument.pointer { world, memory in
    unsafe memory.start().pointee = parameter(world.memory, [2, 3])
  }

  /// A Muon and an AdamW.
  private static let twoOptimizers = Argument.pointer { world, memory in
    let handles = unsafe memory.start(as: UInt.self)
    unsafe (handles[0], handles[1]) = (world.muon.bits, world.adamW.bits)
  }

  /// As many as a gradient of the first parameter has.
  private static let gradient = Argument.pointer { _, memory in
    for index in 0..<6 { unsafe memory.start(as: Float.self)[index] = 1 }
  }

  static func setsOfOptimizers() -> [HostileCall] {
    [
      HostileCall("muon_optimizers_step", twoOptimizers, .integer(2, fine: [0])) {
        unsafe muon_optimizers_step($0.input(0), $0.integer(1))
      },
      HostileCall(
        "muon_optimizers_clip_grad_norm", twoOptimizers, .integer(2, fine: [0]),
        .double(0.5, refused: [1e39], fine: [0]), .double(0.5, fine: [0, .infinity]), .optionalOut
      ) {
        unsafe muon_optimizers_clip_grad_norm(
          $0.input(0), $0.integer(1), $0.double(2), $0.double(3), $0.out(4))
      },
      HostileCall("muon_optimizers_zero_grad", twoOptimizers, .integer(2, fine: [0])) {
        unsafe muon_optimizers_zero_grad($0.input(0), $0.integer(1))
      },
      HostileCall(
        "muon_optimizers_set_lr", twoOptimizers, .integer(2, fine: [0]),
        .double(0.5, refused: [1e39], fine: [0])
      ) {
        unsafe muon_optimizers_set_lr($0.input(0), $0.integer(1), $0.double(2))
      },
    ]
  }

  static func optimizers() -> [HostileCall] {
    [
      HostileCall("muon_optimizer_get_grad_scale", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_grad_scale($0.handle(0), $0.out(1))
      },
      HostileCall(
        "muon_optimizer_set_grad_scale", .handle(.optimizer),
        .double(0.5, refused: [1e39], fine: [0])
      ) {
        unsafe muon_optimizer_set_grad_scale($0.handle(0), $0.double(1))
      },
      HostileCall(
        "muon_optimizer_step_param", .handle(.optimizer), .integer(0), gradient,
        .integer(6, refused: MUON_ERR_SHAPE)
      ) {
        unsafe muon_optimizer_step_param(
          $0.handle(0), $0.int64(1), $0.input(2), $0.integer(3))
      },
      HostileCall("muon_optimizer_create_muon", optional(muonOptions), .out) {
        unsafe muon_optimizer_create_muon($0.input(0), $0.out(1))
      },
      HostileCall("muon_optimizer_create_adamw", optional(adamWOptions), .out) {
        unsafe muon_optimizer_create_adamw($0.input(0), $0.out(1))
      },
      HostileCall(
        "muon_optimizer_add_muon_group", .handle(.muon), optional(muonOptions), param,
        .integer(1, fine: [0]), .out
      ) {
        unsafe muon_optimizer_add_muon_group(
          $0.handle(0), $0.input(1), $0.input(2), $0.integer(3), $0.out(4))
      },
      HostileCall(
        "muon_optimizer_add_adamw_group", .handle(.adamW), optional(adamWOptions), param,
        .integer(1, fine: [0]), .out
      ) {
        unsafe muon_optimizer_add_adamw_group(
          $0.handle(0), $0.input(1), $0.input(2), $0.integer(3), $0.out(4))
      },
      HostileCall("muon_optimizer_destroy", .handle(.optimizer, null: MUON_OK)) {
        unsafe muon_optimizer_destroy($0.handle(0))
      },
      HostileCall("muon_optimizer_get_kind", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_kind($0.handle(0), $0.out(1))
      },
      HostileCall("muon_optimizer_get_group_count", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_group_count($0.handle(0), $0.out(1))
      },
      HostileCall("muon_optimizer_get_param_count", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_param_count($0.handle(0), $0.out(1))
      },
      HostileCall(
        "muon_optimizer_add_param", .handle(.optimizer), .integer(0), param, .optionalOut
      ) { unsafe muon_optimizer_add_param($0.handle(0), $0.int64(1), $0.input(2), $0.out(3)) },
      HostileCall(
        "muon_optimizer_bind_buffer", .handle(.optimizer), .integer(0),
        .text("grad", wrong: notBuffers), .out, .integer(6, refused: MUON_ERR_SHAPE)
      ) {
        unsafe muon_optimizer_bind_buffer(
          $0.handle(0), $0.int64(1), $0.text(2), $0.raw(3), $0.integer(4))
      },
      HostileCall("muon_optimizer_step", .handle(.optimizer)) {
        unsafe muon_optimizer_step($0.handle(0))
      },
      HostileCall("muon_optimizer_zero_grad", .handle(.optimizer)) {
        unsafe muon_optimizer_zero_grad($0.handle(0))
      },
    ]
  }

  static func optimizerOptions() -> [HostileCall] {
    [
      HostileCall("muon_optimizer_get_muon_options", .handle(.muon), .integer(0), muonOptions) {
        unsafe muon_optimizer_get_muon_options($0.handle(0), $0.int64(1), $0.out(2))
      },
      HostileCall("muon_optimizer_set_muon_options", .handle(.muon), .integer(0), muonOptions) {
        unsafe muon_optimizer_set_muon_options($0.handle(0), $0.int64(1), $0.input(2))
      },
      HostileCall("muon_optimizer_get_adamw_options", .handle(.adamW), .integer(0), adamWOptions) {
        unsafe muon_optimizer_get_adamw_options($0.handle(0), $0.int64(1), $0.out(2))
      },
      HostileCall("muon_optimizer_set_adamw_options", .handle(.adamW), .integer(0), adamWOptions) {
        unsafe muon_optimizer_set_adamw_options($0.handle(0), $0.int64(1), $0.input(2))
      },
      HostileCall(
        "muon_optimizer_get_coefficients", .handle(.muon), .integer(0), .out,
        .integer(5, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_coefficients(
          $0.handle(0), $0.int64(1), $0.out(2), $0.integer(3), $0.out(4))
      },
      HostileCall("muon_optimizer_get_lr", .handle(.optimizer), .integer(0), .out) {
        unsafe muon_optimizer_get_lr($0.handle(0), $0.int64(1), $0.out(2))
      },
      HostileCall(
        "muon_optimizer_set_lr", .handle(.optimizer), .integer(0),
        .double(0.5, refused: [1e308], fine: [0, 1e38])
      ) { unsafe muon_optimizer_set_lr($0.handle(0), $0.int64(1), $0.double(2)) },
      HostileCall("muon_optimizer_get_scratch_bytes", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_scratch_bytes($0.handle(0), $0.out(1))
      },
      HostileCall("muon_optimizer_get_initial_lr", .handle(.optimizer), .integer(0), .out) {
        unsafe muon_optimizer_get_initial_lr($0.handle(0), $0.int64(1), $0.out(2))
      },
      HostileCall(
        "muon_optimizer_set_initial_lr", .handle(.optimizer), .integer(0),
        .double(0.5, refused: [1e308], fine: [.nan, 0])
      ) { unsafe muon_optimizer_set_initial_lr($0.handle(0), $0.int64(1), $0.double(2)) },
      HostileCall(
        "muon_optimizer_get_initial_value", .handle(.optimizer), .integer(0), scheduledOption, .out
      ) {
        unsafe muon_optimizer_get_initial_value(
          $0.handle(0), $0.int64(1), $0.text(2), $0.out(3))
      },
      HostileCall(
        "muon_optimizer_set_initial_value", .handle(.optimizer), .integer(0), scheduledOption,
        .double(0.5, refused: [1e308], fine: [.nan, 0])
      ) {
        unsafe muon_optimizer_set_initial_value(
          $0.handle(0), $0.int64(1), $0.text(2), $0.double(3))
      },
      HostileCall("muon_optimizer_get_nonfinite_policy", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_nonfinite_policy($0.handle(0), $0.out(1))
      },
      HostileCall(
        "muon_optimizer_set_nonfinite_policy", .handle(.optimizer), .enumeration(1, fine: [0])
      ) {
        unsafe muon_optimizer_set_nonfinite_policy(
          $0.handle(0), muon_nonfinite_policy($0.uint32(1)))
      },
      HostileCall("muon_optimizer_get_skipped_steps", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_skipped_steps($0.handle(0), $0.out(1))
      },
    ]
  }

  static func optimizerState() -> [HostileCall] {
    let buffer = Argument.text("data", wrong: notBuffers)
    let count = Argument.integer(6, refused: MUON_ERR_SHAPE)
    return [
      HostileCall(
        "muon_optimizer_get_buffer", .handle(.optimizer), .integer(0), buffer, .out,
        .integer(6, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_buffer(
          $0.handle(0), $0.int64(1), $0.text(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall(
        "muon_optimizer_set_buffer", .handle(.optimizer), .integer(0), buffer, .out, count
      ) {
        unsafe muon_optimizer_set_buffer(
          $0.handle(0), $0.int64(1), $0.text(2), $0.input(3), $0.integer(4))
      },
      HostileCall(
        "muon_optimizer_get_buffer_shape", .handle(.optimizer), .integer(0), buffer, .out,
        .integer(8, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_buffer_shape(
          $0.handle(0), $0.int64(1), $0.text(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall(
        "muon_optimizer_get_buffer_dtype", .handle(.optimizer), .integer(0), buffer, .out
      ) {
        unsafe muon_optimizer_get_buffer_dtype(
          $0.handle(0), $0.int64(1), $0.text(2), $0.out(3))
      },
      HostileCall(
        "muon_optimizer_get_state_buffers", .handle(.optimizer), .integer(0), .out,
        .integer(8, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_state_buffers(
          $0.handle(0), $0.int64(1), $0.out(2), $0.integer(3), $0.out(4))
      },
      HostileCall(
        "muon_optimizer_get_state_layout", .handle(.optimizer), .integer(0), param, .out,
        .integer(8, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_optimizer_get_state_layout(
          $0.handle(0), $0.int64(1), $0.input(2), $0.out(3), $0.integer(4), $0.out(5))
      },
      HostileCall("muon_optimizer_get_cost", .handle(.optimizer), .integer(0), param, .out) {
        unsafe muon_optimizer_get_cost($0.handle(0), $0.int64(1), $0.input(2), $0.out(3))
      },
      HostileCall("muon_optimizer_get_state_bytes", .handle(.optimizer), .out) {
        unsafe muon_optimizer_get_state_bytes($0.handle(0), $0.out(1))
      },
      HostileCall("muon_optimizer_get_param_steps", .handle(.optimizer), .integer(0), .out) {
        unsafe muon_optimizer_get_param_steps($0.handle(0), $0.int64(1), $0.out(2))
      },
      HostileCall(
        "muon_optimizer_set_param_steps", .handle(.optimizer), .integer(0),
        .integer(5, fine: [0, 1 << 32])
      ) { unsafe muon_optimizer_set_param_steps($0.handle(0), $0.int64(1), $0.int64(2)) },
    ]
  }
}
