import CMuon
import MuonOptimizers
import Testing

/// Optimizers through the C interface: the same steps as through Swift, to the bit.
struct OptimizerCallTests {
  private let world = World()

  /// The example at the top of muon.h.
  @Test func worksAsInTheManual() throws {
    let memory = Memory()
    let w = unsafe memory.array([1, 2, 3, 4, 5, 6] as [Float])
    let g = unsafe memory.array([1, 0, 0, 0, 1, 0] as [Float])
    let shape = unsafe memory.array([2, 3] as [Int64])
    var param = unsafe muon_param()
    expectOK(unsafe muon_param_init(&param, MemoryLayout<muon_param>.size))
    unsafe param.ndim = 2
    unsafe param.shape = unsafe UnsafePointer(shape)
    unsafe (param.data, param.data_count) = (UnsafeMutableRawPointer(w), 6)
    unsafe (param.grad, param.grad_count) = (UnsafeMutableRawPointer(g), 6)
    let muon = Handle { unsafe muon_optimizer_create_muon(nil, $0) }
    expectOK(unsafe muon_optimizer_add_param(muon.pointer, 0, &param, nil))
    expectOK(unsafe muon_optimizer_step(muon.pointer))

    let parameter = try Parameter("w", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    try parameter.setGradient([1, 0, 0, 0, 1, 0])
    try Muon([parameter]).step()
    #expect(floats(w, 6) == parameter.values)
    #expect(unsafe w[0] < 1 && w[1] == 2)
    expectOK(unsafe muon_optimizer_destroy(muon.pointer))
  }

  @Test func saysANegativeNumberOfDimensionsAsItIs() {
    let memory = Memory()
    var param = unsafe parameter(memory, [2, 3])
    unsafe param.ndim = -1
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil),
      MUON_ERR_INVALID_ARGUMENT)
    #expect(lastError().hasSuffix("must be 0 to 8, got -1"))
  }

  /// A state buffer without memory is the same as none, whatever its name.
  @Test func passesOverStateWithoutMemory() {
    let memory = Memory()
    var param = unsafe parameter(memory, [2, 3])
    unsafe param.state = unsafe UnsafePointer(memory.array([muon_state_buffer()]))
    unsafe param.state_count = 1
    expectOK(unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil))
  }

  @Test func describesItself() {
    var kind = MUON_OPTIMIZER_KIND_NONE
    expectOK(unsafe muon_optimizer_get_kind(world.muon.pointer, &kind))
    #expect(kind == MUON_OPTIMIZER_KIND_MUON)
    expectOK(unsafe muon_optimizer_get_kind(world.adamW.pointer, &kind))
    #expect(kind == MUON_OPTIMIZER_KIND_ADAMW)
    var (groups, params) = (0, 0)
    var (group, index): (Int64, Int64) = (0, 0)
    expectOK(unsafe muon_optimizer_add_muon_group(world.muon.pointer, nil, nil, 0, &group))
    #expect(group == 1)
    let both = unsafe world.memory.array([
      parameter(world.memory, [3, 2]), parameter(world.memory, [1, 4]),
    ])
    expectOK(unsafe muon_optimizer_add_muon_group(world.muon.pointer, nil, both, 2, &group))
    #expect(group == 2)
    var param = unsafe parameter(world.memory, [2, 2])
    expectOK(unsafe muon_optimizer_add_param(world.muon.pointer, 1, &param, &index))
    #expect(index == 3)
    expectOK(unsafe muon_optimizer_get_group_count(world.muon.pointer, &groups))
    expectOK(unsafe muon_optimizer_get_param_count(world.muon.pointer, &params))
    #expect(groups == 3 && params == 4)
    var count = 0
    for (param, expected) in [(1, 6), (2, 4), (3, 4)] {
      expectOK(
        unsafe muon_optimizer_get_buffer(
          world.muon.pointer, Int64(param), "data", nil, 0, &count))
      #expect(count == expected)
    }
    expectOK(unsafe muon_optimizer_add_adamw_group(world.adamW.pointer, nil, both, 2, &group))
    #expect(group == 1)
  }

  /// The same gradients through C and through Swift end in the same bits.
  @Test func stepsLikeSwift() throws {
    var (muonOptions, adamWOptions) = unsafe (muon_muon_options(), muon_adamw_options())
    expectOK(unsafe muon_muon_options_init(&muonOptions, MemoryLayout<muon_muon_options>.size))
    expectOK(unsafe muon_adamw_options_init(&adamWOptions, MemoryLayout<muon_adamw_options>.size))
    unsafe muonOptions.weight_decay = 0.1
    unsafe muonOptions.momentum_style = MUON_MOMENTUM_STYLE_EMA
    unsafe muonOptions.shape_scale = MUON_SHAPE_SCALE_MATCH_RMS_ADAMW
    unsafe muonOptions.nesterov = 0
    adamWOptions.beta2 = 0.95
    let muon = Handle { unsafe muon_optimizer_create_muon(&muonOptions, $0) }
    let adamW = Handle { unsafe muon_optimizer_create_adamw(&adamWOptions, $0) }
    let swift: [Optimizer] = [
      try Muon(
        options: MuonOptions(
          nesterov: false, momentumStyle: .ema, weightDecay: 0.1, shapeScale: .matchRMSAdamW)),
      try AdamW(options: AdamWOptions(beta2: 0.95)),
    ]
    let memory = Memory()
    for (handle, optimizer) in zip([muon, adamW], swift) {
      let values = (0..<12).map { Float($0) / 7 - 1 }
      let parameter = try Parameter("w", shape: [3, 4], values: values)
      try optimizer.add([parameter])
      var param = unsafe MuonCTests.parameter(memory, [3, 4])
      let data = unsafe memory.array(values)
      let gradient = unsafe memory.array(values)
      unsafe param.data = UnsafeMutableRawPointer(data)
      unsafe param.grad = UnsafeMutableRawPointer(gradient)
      expectOK(unsafe muon_optimizer_add_param(handle.pointer, 0, &param, nil))
      for step in 1...5 {
        let new = (0..<12).map { Float(($0 * step * 7) % 13) - 6 }
        for index in 0..<12 { unsafe gradient[index] = new[index] }
        try parameter.setGradient(new)
        expectOK(unsafe muon_optimizer_step(handle.pointer))
        try optimizer.step()
        #expect(floats(data, 12) == parameter.values)
      }
      var steps: Int64 = 0
      expectOK(unsafe muon_optimizer_get_param_steps(handle.pointer, 0, &steps))
      #expect(steps == 5)
      expectOK(unsafe muon_optimizer_zero_grad(handle.pointer))
      #expect(floats(gradient, 12) == [Float](repeating: 0, count: 12))
      expectOK(unsafe muon_optimizer_destroy(handle.pointer))
    }
  }

  @Test func refusesNonFiniteGradients() {
    var param = unsafe parameter(world.memory, [2, 3])
    expectOK(unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil))
    let gradient = unsafe param.grad.assumingMemoryBound(to: Float.self)
    let before = unsafe floats(param.data, 6)
    unsafe gradient[5] = .nan
    var policy = MUON_NONFINITE_POLICY_PROPAGATE
    expectOK(unsafe muon_optimizer_get_nonfinite_policy(world.muon.pointer, &policy))
    #expect(policy == MUON_NONFINITE_POLICY_ERROR)
    expectRefused(unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_NONFINITE_GRADIENT)
    #expect(unsafe floats(param.data, 6) == before)

    expectOK(
      unsafe muon_optimizer_set_nonfinite_policy(world.muon.pointer, MUON_NONFINITE_POLICY_SKIP))
    expectOK(unsafe muon_optimizer_step(world.muon.pointer))
    expectOK(unsafe muon_optimizer_step(world.muon.pointer))
    var skipped: Int64 = 0
    expectOK(unsafe muon_optimizer_get_skipped_steps(world.muon.pointer, &skipped))
    #expect(skipped == 2)
    #expect(unsafe floats(param.data, 6) == before)

    expectOK(
      unsafe muon_optimizer_set_nonfinite_policy(
        world.muon.pointer, MUON_NONFINITE_POLICY_PROPAGATE))
    expectOK(unsafe muon_optimizer_get_nonfinite_policy(world.muon.pointer, &policy))
    #expect(policy == MUON_NONFINITE_POLICY_PROPAGATE)
    expectOK(unsafe muon_optimizer_step(world.muon.pointer))
    #expect(unsafe floats(param.data, 6).allSatisfy { $0.isNaN })
  }

  /// A parameter without a name is known by its number.
  @Test func namesParameters() {
    var param = unsafe parameter(world.memory, [6])
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil), MUON_ERR_SHAPE)
    #expect(lastError().contains("param1"))
    unsafe param.name = unsafe UnsafePointer(world.memory.text("bïas".utf8))
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil), MUON_ERR_SHAPE)
    #expect(lastError().contains("bïas"))
  }
}
