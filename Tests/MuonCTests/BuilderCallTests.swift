import CMuon
import Testing

/// Builders through the C interface.
struct BuilderCallTests {
  private let memory = Memory()

  /// A matrix, a vector, a frozen matrix and one of integers.
  private func params() -> [muon_param] {
    var params = unsafe [
      parameter(memory, [2, 3]), parameter(memory, [3]), parameter(memory, [3, 2]),
      parameter(memory, [2, 2]),
    ]
    unsafe params[2].requires_grad = 0
    unsafe params[3].dtype = MUON_DTYPE_NOT_FLOAT
    return unsafe params
  }

  private func configuration(_ optimizer: String, _ more: String = "") -> String {
    """
    {"training": {"optimizer": "\(optimizer)", "learning_rate": 0.5, "weight_decay": 0.25,
      "n_epochs": 2, "warmup_steps": 5, "lr_schedule": "cosine", "seed": 7}\(more)}
    """
  }

  @Test func explainRoutes() {
    var routes = [muon_route](repeating: muon_route(), count: 4)
    var count = 77
    expectOK(
      unsafe muon_config_route_params(configuration("Muon"), params(), 4, &routes, 4, &count))
    #expect(count == 4)
    #expect(
      routes.map(\.optimizer) == [
        MUON_OPTIMIZER_KIND_MUON, MUON_OPTIMIZER_KIND_ADAMW, MUON_OPTIMIZER_KIND_NONE,
        MUON_OPTIMIZER_KIND_NONE,
      ])
    #expect(
      routes.map(\.reason) == [
        MUON_ROUTE_REASON_MATRIX, MUON_ROUTE_REASON_NOT_MATRIX, MUON_ROUTE_REASON_FROZEN,
        MUON_ROUTE_REASON_NOT_FLOAT,
      ])
    expectOK(
      unsafe muon_config_route_params(configuration("AdamW"), params(), 4, &routes, 4, &count))
    #expect(
      routes.map(\.reason) == [
        MUON_ROUTE_REASON_ADAMW_ONLY, MUON_ROUTE_REASON_ADAMW_ONLY, MUON_ROUTE_REASON_FROZEN,
        MUON_ROUTE_REASON_NOT_FLOAT,
      ])
    // A type that is not in this version is floating point all the same.
    var half = unsafe params()
    unsafe half[0].dtype = MUON_DTYPE_F64
    expectOK(unsafe muon_config_route_params(configuration("Muon"), half, 1, &routes, 1, &count))
    #expect(routes[0].reason == MUON_ROUTE_REASON_MATRIX)
    expectOK(unsafe muon_config_route_params(configuration("Muon"), nil, 0, nil, 0, &count))
    #expect(count == 0)
    // As many as there is room for.
    routes = [muon_route](repeating: muon_route(), count: 4)
    expectOK(
      unsafe muon_config_route_params(configuration("Muon"), params(), 4, &routes, 1, &count))
    #expect(count == 4 && routes[0].reason == MUON_ROUTE_REASON_MATRIX)
    #expect(routes[1].reason.rawValue == 0)
  }

  /// What is made and not handed out could never be destroyed.
  @Test func makeNothingWithoutRoom() {
    var out: [OpaquePointer?] = unsafe [nil, nil]
    var count = 77
    let config = configuration("Muon")
    expectRefused(
      unsafe muon_config_build_optimizers(config, params(), 4, &out, 1, &count),
      MUON_ERR_INVALID_ARGUMENT)
    #expect(lastError() == "there are 2 optimizers, and the capacity is 1; nothing was made")
    #expect(count == 77)
    #expect(unsafe out[0] == nil)
    expectOK(unsafe muon_config_build_optimizers(config, params(), 4, nil, 0, &count))
    #expect(count == 2)
    expectOK(unsafe muon_config_build_optimizers(config, params(), 4, &out, 2, &count))
    var (schedulers, made): ([OpaquePointer?], Int) = unsafe ([nil, nil], 77)
    expectRefused(
      unsafe muon_config_build_schedulers(config, out, 2, 10, &schedulers, 1, &made),
      MUON_ERR_INVALID_ARGUMENT)
    #expect(made == 77)
    #expect(unsafe schedulers[0] == nil)
    expectOK(unsafe muon_config_build_schedulers(config, out, 2, 10, nil, 0, &made))
    #expect(made == 2)
    // No rate was set.
    for index in 0..<2 {
      var rate = 0.0
      expectOK(unsafe muon_optimizer_get_initial_lr(out[index], 0, &rate))
      #expect(rate.isNaN)
      expectOK(unsafe muon_optimizer_destroy(out[index]))
    }
  }

  @Test func buildOptimizersAndSchedulers() {
    var out: [OpaquePointer?] = unsafe [nil, nil]
    var count = 77
    let config = configuration("Muon", #", "muon": {"lr": 0.125}, "adamw": {"betas": [0.5, 0.75]}"#)
    expectOK(unsafe muon_config_build_optimizers(config, params(), 4, &out, 2, &count))
    #expect(count == 2)
    let (muon, adamW) = unsafe (Handle(out[0]), Handle(out[1]))
    var options = unsafe muon_muon_options()
    expectOK(unsafe muon_muon_options_init(&options, MemoryLayout<muon_muon_options>.size))
    expectOK(unsafe muon_optimizer_get_muon_options(muon.pointer, 0, &options))
    #expect(unsafe options.lr == 0.125 && options.weight_decay == 0.25)
    var adamWOptions = muon_adamw_options()
    expectOK(unsafe muon_adamw_options_init(&adamWOptions, MemoryLayout<muon_adamw_options>.size))
    expectOK(unsafe muon_optimizer_get_adamw_options(adamW.pointer, 0, &adamWOptions))
    #expect(adamWOptions.lr == 0.5 && adamWOptions.beta1 == 0.5 && adamWOptions.beta2 == 0.75)
    for optimizer in [muon, adamW] {
      var params = 0
      expectOK(unsafe muon_optimizer_get_param_count(optimizer.pointer, &params))
      #expect(params == 1)
    }

    var schedulers: [OpaquePointer?] = unsafe [nil, nil]
    expectOK(unsafe muon_config_build_schedulers(config, out, 2, 10, &schedulers, 2, &count))
    // Halfway through a cosine of 20 steps that begins after 5.
    let halves = unsafe [(Handle(schedulers[0]), 0.0625), (Handle(schedulers[1]), 0.25)]
    for (scheduler, half) in halves {
      expectOK(unsafe muon_scheduler_set_step(scheduler.pointer, 15))
      var (rate, rates) = (0.0, 0)
      expectOK(unsafe muon_scheduler_get_last_lr(scheduler.pointer, &rate, 1, &rates))
      #expect(rates == 1 && abs(rate - half) < 1e-12)
      expectOK(unsafe muon_scheduler_destroy(scheduler.pointer))
    }
    for optimizer in [muon, adamW] { expectOK(unsafe muon_optimizer_destroy(optimizer.pointer)) }
  }

  /// A rule by the number of a parameter without a name, with a view; and the schedulers of other options.
  @Test func followRules() {
    let config = """
      {"training": {"optimizer": "Muon", "learning_rate": 0.5, "n_epochs": 2, "momentum_schedule": "linear",
        "weight_decay_schedule": {"decay_steps": 20, "end_factor": 0.5}},
       "rules": [{"match": "param1", "view": {"axes": "oi", "shape": [1, 3]}},
         {"match": "param[02]", "optimizer": "muon", "options": {"momentum": 0.5, "weight_decay": 1}}]}
      """
    var (routes, rules, count) = (
      [muon_route](repeating: muon_route(), count: 4), [Int64](repeating: 7, count: 4), 0
    )
    expectOK(unsafe muon_config_route_params(config, params(), 4, &routes, 4, &count))
    #expect(
      routes.map(\.reason) == [
        MUON_ROUTE_REASON_RULE, MUON_ROUTE_REASON_RULE, MUON_ROUTE_REASON_FROZEN,
        MUON_ROUTE_REASON_NOT_FLOAT,
      ])
    expectOK(unsafe muon_config_match_rules(config, params(), 4, &rules, 4, &count))
    #expect(count == 4 && rules == [1, 0, 1, -1])
    var out: [OpaquePointer?] = unsafe [nil, nil]
    expectOK(unsafe muon_config_build_optimizers(config, params(), 4, &out, 2, &count))
    #expect(count == 1)
    let muon = unsafe Handle(out[0])
    var group: Int64 = 7
    for (param, expected) in [(0, 0), (1, 1)] as [(Int64, Int64)] {
      expectOK(unsafe muon_optimizer_get_param_group(muon.pointer, param, &group))
      #expect(group == expected)
    }
    var options = unsafe muon_muon_options()
    expectOK(unsafe muon_muon_options_init(&options, MemoryLayout<muon_muon_options>.size))
    expectOK(unsafe muon_optimizer_get_muon_options(muon.pointer, 0, &options))
    #expect(unsafe options.momentum == 0.5 && options.weight_decay == 1)

    // One of the rates, one of the momentum, one of the decay; with a wrong length none, whatever the capacity.
    var made = 77
    for capacity in [0, 3] {
      var none: [OpaquePointer?] = unsafe [nil, nil, nil]
      expectRefused(
        unsafe muon_config_build_schedulers(config, out, 1, 0, &none, capacity, &made),
        MUON_ERR_INVALID_ARGUMENT)
      #expect(made == 77)
    }
    expectOK(unsafe muon_config_build_schedulers(config, out, 1, 10, nil, 0, &made))
    #expect(made == 3)
    var schedulers: [OpaquePointer?] = unsafe [nil, nil, nil]
    expectOK(unsafe muon_config_build_schedulers(config, out, 1, 10, &schedulers, 3, &made))
    for (index, expected) in [[0.5, 0.5], [0.25, 0.475], [0.75, 0]].enumerated() {
      var (rates, found) = ([0.0, 0.0], 0)
      expectOK(unsafe muon_scheduler_set_step(schedulers[index], 10))
      expectOK(unsafe muon_scheduler_get_last_lr(schedulers[index], &rates, 2, &found))
      #expect(found == 2 && zip(rates, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(rates)")
      expectOK(unsafe muon_scheduler_destroy(schedulers[index]))
    }
    expectOK(unsafe muon_optimizer_destroy(muon.pointer))
  }

  @Test func makeNoEmptySide() {
    let params = unsafe params()
    for (indices, name, kinds) in [
      ([0, 2], "Muon", [MUON_OPTIMIZER_KIND_MUON]), ([1, 3], "Muon", [MUON_OPTIMIZER_KIND_ADAMW]),
      ([0, 1], "AdamW", [MUON_OPTIMIZER_KIND_ADAMW]), ([2, 3], "Muon", []), ([], "Muon", []),
    ] {
      let some = unsafe indices.map { unsafe params[$0] }
      var out: [OpaquePointer?] = unsafe [nil, nil]
      var count = 77
      expectOK(
        unsafe muon_config_build_optimizers(
          configuration(name), some, some.count, &out, 2, &count))
      #expect(count == kinds.count)
      for (index, expected) in kinds.enumerated() {
        var kind = MUON_OPTIMIZER_KIND_NONE
        expectOK(unsafe muon_optimizer_get_kind(out[index], &kind))
        #expect(kind == expected)
        expectOK(unsafe muon_optimizer_destroy(out[index]))
      }
    }
  }

  @Test func nameThePathOfAnError() {
    let wrong = [
      (#"{"training": {"learning_rate": 1}}"#, "training.optimizer"),
      (configuration("Muon", #", "muon": {"momentun": 1}"#), "muon.momentun"),
      (configuration("Muon", #", "adamw": {"betas": [0.9, 1]}"#), "adamw.beta"),
    ]
    for (config, path) in wrong {
      var out: [OpaquePointer?] = unsafe [nil, nil]
      var count = 77
      expectRefused(
        unsafe muon_config_build_optimizers(config, params(), 4, &out, 2, &count), MUON_ERR_CONFIG)
      #expect(lastError().hasPrefix(path))
      #expect(count == 77)
    }
  }

  /// A parameter that the library cannot train is named.
  @Test func nameTheParameterOfAnError() {
    var params = unsafe params()
    unsafe params[1].dtype = MUON_DTYPE_F64
    unsafe params[1].name = unsafe UnsafePointer(memory.text("bias".utf8))
    var out: [OpaquePointer?] = unsafe [nil, nil]
    var count = 77
    expectRefused(
      unsafe muon_config_build_optimizers(configuration("Muon"), params, 4, &out, 2, &count),
      MUON_ERR_UNSUPPORTED)
    #expect(lastError().contains("bias"))
  }
}
