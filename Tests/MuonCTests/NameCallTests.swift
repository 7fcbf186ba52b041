import CMuon
import Testing

/// Names of enum values, ranges of options, and what can be asked of a parameter.
struct NameCallTests {
  private let memory = Memory()

  private func text(_ c: UnsafePointer<CChar>?) -> String {
    unsafe c.map { unsafe String(cString: $0) } ?? "NULL"
  }

  @Test func enumsAndNames() {
    #expect(unsafe text(muon_backend_name(MUON_BACKEND_POLAR_EXPRESS)) == "polar_express")
    #expect(unsafe text(muon_precision_name(MUON_PRECISION_BF16)) == "bf16")
    #expect(
      unsafe text(muon_newton_schulz_method_name(MUON_NEWTON_SCHULZ_METHOD_AUTO)) == "auto")
    let scale = MUON_SHAPE_SCALE_MATCH_RMS_ADAMW
    #expect(unsafe text(muon_shape_scale_name(scale)) == "match_rms_adamw")
    #expect(unsafe text(muon_optimizer_kind_name(MUON_OPTIMIZER_KIND_ADAMW)) == "adamw")
    #expect(unsafe text(muon_dtype_name(MUON_DTYPE_NOT_FLOAT)) == "not_float")
    #expect(unsafe text(muon_master_name(MUON_MASTER_REMAINDER)) == "remainder")
    #expect(unsafe text(muon_log_level_name(muon_log_level(77))) == "unknown")
    #expect(unsafe text(muon_version_string()) == "0.2.0")
    var backend = MUON_BACKEND_SVD
    // Every number that has a name, and back.
    for number in UInt32(1)...10 {
      let name = unsafe muon_backend_name(muon_backend(number))
      expectOK(unsafe muon_backend_from_name(name, &backend))
      #expect(backend.rawValue == number)
    }
    expectRefused(unsafe muon_backend_from_name("SVD\n", &backend), MUON_ERR_INVALID_ARGUMENT)
    #expect(
      lastError().hasPrefix("there is no muon_backend \"SVD\\n\"; expected newtonschulz5, svd, "))
    #expect(backend == MUON_BACKEND_CUSTOM)
  }

  private func range(_ kind: muon_optimizer_kind, _ name: String) -> [Double] {
    var range = muon_option_range()
    expectOK(unsafe muon_option_get_range(kind, name, &range))
    return [
      range.minimum, Double(range.minimum_is_open), range.maximum, Double(range.maximum_is_open),
      range.default_value,
    ]
  }

  /// As muon.h has them beside the fields.
  @Test func rangesOfOptions() {
    let largest = Double(Float.greatestFiniteMagnitude)
    let (muon, adamW) = (MUON_OPTIMIZER_KIND_MUON, MUON_OPTIMIZER_KIND_ADAMW)
    #expect(range(muon, "lr") == [0, 0, largest, 0, 0.02])
    #expect(range(muon, "momentum") == [0, 0, 1, 1, 0.95])
    #expect(range(muon, "nesterov") == [0, 0, 1, 0, 1])
    #expect(range(muon, "backend_steps") == [0, 0, 99, 0, 0])
    #expect(range(muon, "backend") == [1, 0, 10, 0, 1])
    #expect(range(muon, "coefficients") == [1, 0, 99, 0, 0])
    #expect(range(adamW, "beta2") == [0, 0, 1, 1, 0.999])
    #expect(range(adamW, "eps") == [0, 0, largest, 0, 1e-8])
    #expect(range(MUON_OPTIMIZER_KIND_NONE, "backend") == [1, 0, 10, 0, 9])
    #expect(range(MUON_OPTIMIZER_KIND_NONE, "eps") == [0, 0, largest, 0, 1e-8])
    var range = muon_option_range()
    for name in ["momentum", "coefficients", "struct_size"] {
      expectRefused(unsafe muon_option_get_range(adamW, name, &range), MUON_ERR_INVALID_ARGUMENT)
      #expect(lastError() == "there is no option \"\(name)\"")
    }
  }

  /// The bounds are those that setters go by.
  @Test func rangesAreTrue() {
    let world = World()
    var range = muon_option_range()
    let fields: [(String, WritableKeyPath<muon_adamw_options, Double>)] = [
      ("beta1", \.beta1), ("lr", \.lr), ("weight_decay", \.weight_decay),
    ]
    for (name, field) in fields {
      expectOK(unsafe muon_option_get_range(MUON_OPTIMIZER_KIND_ADAMW, name, &range))
      for (value, isFine) in [
        (range.minimum, range.minimum_is_open == 0), (range.maximum, range.maximum_is_open == 0),
        (range.default_value, true), (range.minimum - 1, false), (range.maximum * 1.001, false),
      ] {
        var options = muon_adamw_options()
        expectOK(unsafe muon_adamw_options_init(&options, MemoryLayout<muon_adamw_options>.size))
        options[keyPath: field] = value
        let status = unsafe muon_optimizer_set_adamw_options(world.adamW.pointer, 0, &options)
        #expect((status == MUON_OK) == isFine, "\(name) \(value)")
      }
    }
  }

  @Test func findParameters() {
    let world = World()
    var second = unsafe parameter(memory, [2, 2])
    unsafe second.name = unsafe UnsafePointer(memory.text("layer.\u{E9}".utf8))
    var (group, index): (Int64, Int64) = (77, 77)
    expectOK(
      unsafe muon_optimizer_add_muon_group(world.muon.pointer, nil, &second, 1, &group))
    #expect(group == 1)
    expectOK(unsafe muon_optimizer_find_param(world.muon.pointer, "layer.\u{E9}", &index))
    #expect(index == 1)
    expectOK(unsafe muon_optimizer_get_param_group(world.muon.pointer, 1, &group))
    #expect(group == 1)
    expectOK(unsafe muon_optimizer_get_param_group(world.muon.pointer, 0, &group))
    #expect(group == 0)
    expectRefused(
      unsafe muon_optimizer_find_param(world.muon.pointer, "layer", &index),
      MUON_ERR_INVALID_ARGUMENT)
    #expect(lastError() == "there is no parameter \"layer\"; there are 2 parameters")
    #expect(index == 1)
    var (name, count) = ([CChar](repeating: 77, count: 16), 77)
    // 6 letters, one of two bytes, and the NUL.
    expectOK(unsafe muon_optimizer_get_param_name(world.muon.pointer, 1, nil, 0, &count))
    #expect(count == 9)
    expectOK(unsafe muon_optimizer_get_param_name(world.muon.pointer, 1, &name, 16, &count))
    #expect(name.prefix(10) == "layer.\u{E9}".utf8CString + [77])
    name = [CChar](repeating: 77, count: 16)
    expectOK(unsafe muon_optimizer_get_param_name(world.muon.pointer, 1, &name, 4, &count))
    #expect(name.prefix(5) == "lay".utf8CString + [77] && count == 9)
  }
}
