import CMuon
import Testing

/// Options through the C interface: defaults, getters, setters, coefficients and rates.
struct OptionCallTests {
  private let world = World()

  private func muonOptions(_ group: Int64 = 0) -> muon_muon_options {
    var options = unsafe muon_muon_options()
    expectOK(unsafe muon_muon_options_init(&options, MemoryLayout<muon_muon_options>.size))
    unsafe options.lr = 77
    expectOK(unsafe muon_optimizer_get_muon_options(world.muon.pointer, group, &options))
    return unsafe options
  }

  private func rows(_ group: Int64 = 0) -> [[Double]] {
    var count = 0
    expectOK(unsafe muon_optimizer_get_coefficients(world.muon.pointer, group, nil, 0, &count))
    var rows = [muon_coefficients](repeating: muon_coefficients(), count: count)
    expectOK(
      unsafe muon_optimizer_get_coefficients(world.muon.pointer, group, &rows, count, &count))
    return rows.map { [$0.a, $0.b, $0.c] }
  }

  @Test func haveTheDefaultsOfTheHeader() {
    let muon = unsafe muonOptions()
    #expect(unsafe muon.lr == 0.02 && muon.momentum == 0.95 && muon.weight_decay == 0)
    #expect(unsafe muon.eps == 1e-7 && muon.nesterov == 1)
    #expect(unsafe muon.momentum_style == MUON_MOMENTUM_STYLE_CLASSIC)
    #expect(unsafe muon.shape_scale == MUON_SHAPE_SCALE_NONE)
    #expect(unsafe muon.backend == MUON_BACKEND_NEWTONSCHULZ5 && muon.backend_steps == 0)
    #expect(
      unsafe muon.precision == MUON_PRECISION_AUTO && muon.method == MUON_NEWTON_SCHULZ_METHOD_AUTO)
    #expect(unsafe muon.coefficients == nil && muon.coefficients_count == 0)
    #expect(unsafe muon.update_scale == 1 && muon.cautious_weight_decay == 0)
    #expect(unsafe muon.second_moment == MUON_SECOND_MOMENT_NONE && muon.beta2 == 0.95)
    #expect(unsafe muon.hyperball == 0)
    #expect(rows() == [[Double]](repeating: [3.4445, -4.7750, 2.0315], count: 5))

    var adamW = muon_adamw_options()
    expectOK(unsafe muon_adamw_options_init(&adamW, MemoryLayout<muon_adamw_options>.size))
    adamW.lr = 77
    expectOK(unsafe muon_optimizer_get_adamw_options(world.adamW.pointer, 0, &adamW))
    #expect(adamW.lr == 1e-3 && adamW.beta1 == 0.9 && adamW.beta2 == 0.999)
    #expect(adamW.eps == 1e-8 && adamW.weight_decay == 0.01)
  }

  /// Every field goes in and comes out again.
  @Test func areSetAndGot() {
    var options = unsafe muonOptions()
    unsafe (options.lr, options.momentum, options.weight_decay) = (0.5, 0.25, 0.125)
    unsafe (options.eps, options.nesterov, options.backend_steps) = (1e-3, 0, 3)
    unsafe options.momentum_style = MUON_MOMENTUM_STYLE_EMA
    unsafe options.shape_scale = MUON_SHAPE_SCALE_SPECTRAL
    unsafe options.backend = MUON_BACKEND_CANS
    unsafe options.precision = MUON_PRECISION_F32
    unsafe options.method = MUON_NEWTON_SCHULZ_METHOD_GRAM
    unsafe options.update_scale = 1.5
    unsafe options.cautious_weight_decay = 1
    unsafe options.second_moment = MUON_SECOND_MOMENT_NORMUON_LONG
    unsafe options.beta2 = 0.5
    expectOK(unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &options))
    let got = unsafe muonOptions()
    #expect(unsafe got.lr == 0.5 && got.momentum == 0.25 && got.weight_decay == 0.125)
    #expect(unsafe got.eps == 1e-3 && got.nesterov == 0 && got.backend_steps == 3)
    #expect(unsafe got.momentum_style == MUON_MOMENTUM_STYLE_EMA)
    #expect(unsafe got.shape_scale == MUON_SHAPE_SCALE_SPECTRAL)
    #expect(unsafe got.backend == MUON_BACKEND_CANS && got.precision == MUON_PRECISION_F32)
    #expect(unsafe got.method == MUON_NEWTON_SCHULZ_METHOD_GRAM && got.update_scale == 1.5)
    #expect(unsafe got.cautious_weight_decay == 1 && got.beta2 == 0.5)
    #expect(unsafe got.second_moment == MUON_SECOND_MOMENT_NORMUON_LONG)
    #expect(unsafe got.struct_size == MemoryLayout<muon_muon_options>.size)
    #expect(rows().count == 3)

    var adamW = muon_adamw_options()
    expectOK(unsafe muon_adamw_options_init(&adamW, MemoryLayout<muon_adamw_options>.size))
    (adamW.lr, adamW.beta1, adamW.beta2) = (0.5, 0.25, 0.125)
    (adamW.eps, adamW.weight_decay) = (0.0625, 0.75)
    expectOK(unsafe muon_optimizer_set_adamw_options(world.adamW.pointer, 0, &adamW))
    (adamW.lr, adamW.beta1, adamW.beta2, adamW.eps, adamW.weight_decay) = (7, 7, 7, 7, 7)
    expectOK(unsafe muon_optimizer_get_adamw_options(world.adamW.pointer, 0, &adamW))
    #expect(adamW.lr == 0.5 && adamW.beta1 == 0.25 && adamW.beta2 == 0.125)
    #expect(adamW.eps == 0.0625 && adamW.weight_decay == 0.75)
  }

  /// What a getter gives can be set again: the rows of a custom backend stay.
  @Test func coefficientsStay() {
    let table = unsafe world.memory.array([
      muon_coefficients(a: 3, b: -3.2, c: 1.2), muon_coefficients(a: 2, b: -1.5, c: 0.5),
    ])
    var options = unsafe muonOptions()
    unsafe options.backend = MUON_BACKEND_CUSTOM
    unsafe (options.coefficients, options.coefficients_count) = (UnsafePointer(table), 2)
    expectOK(unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &options))
    #expect(rows() == [[3, -3.2, 1.2], [2, -1.5, 0.5]])
    // They were copied.
    unsafe table[0].a = 77

    var got = unsafe muonOptions()
    #expect(unsafe got.backend == MUON_BACKEND_CUSTOM)
    #expect(unsafe got.coefficients == nil && got.coefficients_count == 2)
    unsafe got.lr = 0.5
    unsafe got.backend_steps = 3
    expectOK(unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &got))
    // All that it was given, whatever the number of steps.
    #expect(rows() == [[3, -3.2, 1.2], [2, -1.5, 0.5]])
    #expect(unsafe muonOptions().lr == 0.5)

    // To another backend and back: then there are none to keep.
    unsafe got.backend = MUON_BACKEND_YOU
    expectOK(unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &got))
    unsafe got.backend = MUON_BACKEND_CUSTOM
    expectRefused(
      unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &got), MUON_ERR_INVALID_ARGUMENT
    )
  }

  @Test func areOfTheirGroup() {
    var options = unsafe muonOptions()
    unsafe options.lr = 0.5
    var group: Int64 = 0
    expectOK(unsafe muon_optimizer_add_muon_group(world.muon.pointer, &options, nil, 0, &group))
    #expect(group == 1)
    #expect(unsafe muonOptions(1).lr == 0.5)
    #expect(unsafe muonOptions(0).lr == 0.02)
    var rate = 0.0
    expectOK(unsafe muon_optimizer_set_lr(world.muon.pointer, 1, 0.25))
    expectOK(unsafe muon_optimizer_get_lr(world.muon.pointer, 1, &rate))
    #expect(rate == 0.25)
    expectOK(unsafe muon_optimizer_get_lr(world.muon.pointer, 0, &rate))
    #expect(rate == 0.02)
  }

  @Test func areOfTheRightKind() {
    var muon = unsafe muonOptions()
    var adamW = muon_adamw_options()
    expectOK(unsafe muon_adamw_options_init(&adamW, MemoryLayout<muon_adamw_options>.size))
    expectRefused(
      unsafe muon_optimizer_get_muon_options(world.adamW.pointer, 0, &muon), MUON_ERR_INVALID_HANDLE
    )
    expectRefused(
      unsafe muon_optimizer_set_adamw_options(world.muon.pointer, 0, &adamW),
      MUON_ERR_INVALID_HANDLE)
  }

  /// NaN is "none yet".
  @Test func initialRateCanBeForgotten() {
    var rate = 0.0
    expectOK(unsafe muon_optimizer_get_initial_lr(world.adamW.pointer, 0, &rate))
    #expect(rate.isNaN)
    expectOK(unsafe muon_optimizer_set_initial_lr(world.adamW.pointer, 0, 0.5))
    expectOK(unsafe muon_optimizer_get_initial_lr(world.adamW.pointer, 0, &rate))
    #expect(rate == 0.5)
    expectOK(unsafe muon_optimizer_set_initial_lr(world.adamW.pointer, 0, .nan))
    expectOK(unsafe muon_optimizer_get_initial_lr(world.adamW.pointer, 0, &rate))
    #expect(rate.isNaN)
    // The Muon's is there: a scheduler drives it.
    expectOK(unsafe muon_optimizer_get_initial_lr(world.muon.pointer, 0, &rate))
    #expect(rate == 0.02)
  }

  @Test func initialValuesAreThoseOfSchedules() {
    var value = 0.0
    for option in ["lr", "momentum", "weight_decay"] {
      expectOK(unsafe muon_optimizer_set_initial_value(world.muon.pointer, 0, option, 0.25))
      expectOK(unsafe muon_optimizer_get_initial_value(world.muon.pointer, 0, option, &value))
      #expect(value == 0.25)
      expectOK(unsafe muon_optimizer_set_initial_value(world.muon.pointer, 0, option, .nan))
      expectOK(unsafe muon_optimizer_get_initial_value(world.muon.pointer, 0, option, &value))
      #expect(value.isNaN)
    }
    for (option, wrong) in [("momentum", 1.0), ("weight_decay", -1), ("eps", 0.5)] {
      expectRefused(
        unsafe muon_optimizer_set_initial_value(world.muon.pointer, 0, option, wrong),
        MUON_ERR_INVALID_ARGUMENT)
    }
    expectRefused(
      unsafe muon_optimizer_set_initial_value(world.adamW.pointer, 0, "momentum", 0.5),
      MUON_ERR_INVALID_ARGUMENT)
  }
}
