import CMuon
import Testing

extension HostileCall {
  /// A function that cannot fail: it gives a text, which is never NULL.
  private static func text(_ text: UnsafePointer<CChar>?) -> muon_status {
    unsafe text == nil ? MUON_ERR_INTERNAL : MUON_OK
  }

  private static let everyNumber = [0, 77, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]

  static func library() -> [HostileCall] {
    [
      HostileCall("muon_version_number") { _ in
        muon_version_number() == 0 ? MUON_ERR_INTERNAL : MUON_OK
      },
      HostileCall("muon_version_string") { _ in unsafe text(muon_version_string()) },
      HostileCall("muon_build_info") { _ in unsafe text(muon_build_info()) },
      HostileCall("muon_last_error") { _ in unsafe text(muon_last_error()) },
      HostileCall("muon_get_num_threads") { _ in
        muon_get_num_threads() < 1 ? MUON_ERR_INTERNAL : MUON_OK
      },
      HostileCall("muon_status_name", .enumeration(1, fine: everyNumber)) {
        unsafe text(muon_status_name(muon_status($0.uint32(0))))
      },
      HostileCall("muon_route_reason_text", .enumeration(1, fine: everyNumber)) {
        unsafe text(muon_route_reason_text(muon_route_reason($0.uint32(0))))
      },
      HostileCall("muon_set_num_threads", .int32(1, fine: [0])) {
        muon_set_num_threads($0.int32(0))
      },
    ]
  }

  static func orthogonalization() -> [HostileCall] {
    [
      HostileCall(
        "muon_orthogonalize",
        .pointer { unsafe $1.start(as: Float.self).update(repeating: 1, count: 6) },
        .integer(6, refused: MUON_ERR_SHAPE), .integer(2, refused: MUON_ERR_SHAPE),
        .integer(3, refused: MUON_ERR_SHAPE),
        .pointer(null: MUON_OK) {
          expectOK(
            unsafe muon_orthogonalize_options_init(
              $1.start(), MemoryLayout<muon_orthogonalize_options>.size))
        }, .out, .integer(6, refused: MUON_ERR_SHAPE)
      ) {
        unsafe muon_orthogonalize(
          $0.input(0), $0.integer(1), $0.int64(2), $0.int64(3), $0.input(4), $0.out(5),
          $0.integer(6))
      },
      HostileCall(
        "muon_orthogonalize_batch",
        .pointer { unsafe $1.start(as: Float.self).update(repeating: 1, count: 12) },
        .integer(12, refused: MUON_ERR_SHAPE), .integer(2, refused: MUON_ERR_SHAPE),
        .integer(2, refused: MUON_ERR_SHAPE), .integer(3, refused: MUON_ERR_SHAPE),
        .pointer(null: MUON_OK) {
          expectOK(
            unsafe muon_orthogonalize_options_init(
              $1.start(), MemoryLayout<muon_orthogonalize_options>.size))
        }, .out, .integer(12, refused: MUON_ERR_SHAPE)
      ) {
        unsafe muon_orthogonalize_batch(
          $0.input(0), $0.integer(1), $0.int64(2), $0.int64(3), $0.int64(4), $0.input(5),
          $0.out(6), $0.integer(7))
      },
      HostileCall(
        "muon_backend_get_coefficients", .enumeration(MUON_BACKEND_YOU.rawValue),
        .int32(0), .out, .integer(5, fine: [0, .max, 1 << 32, 1 << 62]), .out
      ) {
        unsafe muon_backend_get_coefficients(
          muon_backend($0.uint32(0)), $0.int32(1), $0.out(2), $0.integer(3), $0.out(4))
      },
      HostileCall(
        "muon_shape_scale_get_factor", .enumeration(MUON_SHAPE_SCALE_SPECTRAL.rawValue, fine: [0]),
        .integer(6, fine: [.max, 1 << 32, 1 << 62], refused: MUON_ERR_SHAPE),
        .integer(2, fine: [.max, 1 << 32, 1 << 62], refused: MUON_ERR_SHAPE), .out
      ) {
        unsafe muon_shape_scale_get_factor(
          muon_shape_scale($0.uint32(0)), $0.int64(1), $0.int64(2), $0.out(3))
      },
      HostileCall(
        "muon_orthogonalize_options_init", .out,
        .integer(unsafe MemoryLayout<muon_orthogonalize_options>.size)
      ) { unsafe muon_orthogonalize_options_init($0.out(0), $0.integer(1)) },
      HostileCall(
        "muon_muon_options_init", .out, .integer(unsafe MemoryLayout<muon_muon_options>.size)
      ) { unsafe muon_muon_options_init($0.out(0), $0.integer(1)) },
      HostileCall(
        "muon_adamw_options_init", .out, .integer(MemoryLayout<muon_adamw_options>.size)
      ) { unsafe muon_adamw_options_init($0.out(0), $0.integer(1)) },
      HostileCall("muon_view_init", .out, .integer(unsafe MemoryLayout<muon_view>.size)) {
        unsafe muon_view_init($0.out(0), $0.integer(1))
      },
      HostileCall("muon_param_init", .out, .integer(unsafe MemoryLayout<muon_param>.size)) {
        unsafe muon_param_init($0.out(0), $0.integer(1))
      },
    ]
  }
}
