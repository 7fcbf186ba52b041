import CMuon
import Testing

/// Buffers of parameters through the C interface: counted, copied, bound and bound anew.
struct StateCallTests {
  private let world = World()
  private let ones = [Float](repeating: 1, count: 6)

  private func get(_ optimizer: Handle, _ buffer: String) -> [Float] {
    var count = 0
    expectOK(unsafe muon_optimizer_get_buffer(optimizer.pointer, 0, buffer, nil, 0, &count))
    var values = [Float](repeating: .nan, count: count)
    expectOK(
      unsafe muon_optimizer_get_buffer(optimizer.pointer, 0, buffer, &values, count, &count))
    return values
  }

  private func set(_ optimizer: Handle, _ buffer: String, _ values: [Float]) {
    expectOK(
      unsafe muon_optimizer_set_buffer(optimizer.pointer, 0, buffer, values, values.count))
  }

  private func step(_ optimizer: Handle) {
    expectOK(unsafe muon_optimizer_step(optimizer.pointer))
  }

  @Test func isCopiedOutAndIn() {
    #expect(get(world.muon, "data") == [1, 2, 3, 4, 5, 6])
    #expect(get(world.muon, "grad") == [1, 2, 3, 4, 5, 6])
    #expect(get(world.muon, "momentum") == [0, 0, 0, 0, 0, 0])
    let muon = ["data", "grad", "momentum"]
    for (index, buffer) in muon.enumerated() {
      let values = (0..<6).map { Float($0 * 10 + index) }
      set(world.muon, buffer, values)
      #expect(get(world.muon, buffer) == values)
    }
    for buffer in ["exp_avg", "exp_avg_sq"] {
      set(world.adamW, buffer, [6, 5, 4, 3, 2, 1])
      #expect(get(world.adamW, buffer) == [6, 5, 4, 3, 2, 1])
    }
  }

  @Test func isCopiedAsFarAsThereIsRoom() {
    var (values, count) = ([Float](repeating: 7, count: 8), 0)
    for (capacity, expected) in [(2, [1, 2, 7, 7, 7, 7, 7, 7]), (8, [1, 2, 3, 4, 5, 6, 7, 7])] {
      expectOK(
        unsafe muon_optimizer_get_buffer(
          world.muon.pointer, 0, "data", &values, capacity, &count))
      #expect(values == expected.map { Float($0) } && count == 6)
    }
  }

  /// Memory of the caller's that has NaN in it, given or bound, is found before the next step, and so is
  /// what `set_buffer` brings.
  @Test func spoiltStateIsRefused() {
    let spoilt: [Float] = [0, 0, 0, 0, 0, .nan]
    let ways: [(Handle) -> Void] = [
      { set($0, "momentum", spoilt) },
      {
        expectOK(
          unsafe muon_optimizer_bind_buffer(
            $0.pointer, 0, "momentum", world.memory.array(spoilt), 6))
      },
    ]
    for way in ways {
      step(world.muon)
      way(world.muon)
      let data = get(world.muon, "data")
      for _ in 0..<2 {
        expectRefused(
          unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_NONFINITE_GRADIENT)
        #expect(get(world.muon, "data") == data)
      }
      set(world.muon, "momentum", ones)
    }
    step(world.muon)

    let given = Handle { unsafe muon_optimizer_create_muon(nil, $0) }
    var param = unsafe parameter(world.memory, [2, 3])
    unsafe giveState(&param, world.memory, [("momentum", world.memory.array(spoilt))])
    expectOK(unsafe muon_optimizer_add_param(given.pointer, 0, &param, nil))
    expectRefused(unsafe muon_optimizer_step(given.pointer), MUON_ERR_NONFINITE_GRADIENT)
    expectOK(unsafe muon_optimizer_destroy(given.pointer))
  }

  @Test func buffersOfTheOtherKindAreRefused() {
    var count = 77
    for (optimizer, buffer) in [
      (world.muon, "exp_avg"), (world.muon, "exp_avg_sq"),
      (world.adamW, "momentum"),
    ] {
      var values = ones
      expectRefused(
        unsafe muon_optimizer_get_buffer(optimizer.pointer, 0, buffer, &values, 6, &count),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_set_buffer(optimizer.pointer, 0, buffer, values, 6),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_bind_buffer(
          optimizer.pointer, 0, buffer, world.memory.array(ones), 6),
        MUON_ERR_INVALID_ARGUMENT)
      #expect(values == ones)
    }
    #expect(count == 77)
  }

  /// A second optimizer with the state of the first goes on where it stopped.
  @Test func resumes() {
    for optimizer in [world.muon, world.adamW] {
      for _ in 0..<3 { step(optimizer) }
    }
    let other = World()
    let buffers = [
      (world.muon, other.muon, ["data", "momentum"]),
      (world.adamW, other.adamW, ["data", "exp_avg", "exp_avg_sq"]),
    ]
    for (from, to, state) in buffers {
      for buffer in state { set(to, buffer, get(from, buffer)) }
      var steps: Int64 = 0
      expectOK(unsafe muon_optimizer_get_param_steps(from.pointer, 0, &steps))
      #expect(steps == 3)
      expectOK(unsafe muon_optimizer_set_param_steps(to.pointer, 0, steps))
      for _ in 0..<2 {
        step(from)
        step(to)
      }
      for buffer in state { #expect(get(to, buffer) == get(from, buffer)) }
      expectOK(unsafe muon_optimizer_get_param_steps(to.pointer, 0, &steps))
      #expect(steps == 5)
    }
  }

  @Test func gradientsAreUnboundAndBound() {
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "grad", nil, 0))
    step(world.muon)
    #expect(get(world.muon, "data") == [1, 2, 3, 4, 5, 6])
    var (steps, count): (Int64, Int) = (77, 77)
    expectOK(unsafe muon_optimizer_get_param_steps(world.muon.pointer, 0, &steps))
    #expect(steps == 0)
    expectRefused(
      unsafe muon_optimizer_get_buffer(world.muon.pointer, 0, "grad", nil, 0, &count),
      MUON_ERR_INVALID_ARGUMENT)
    expectOK(unsafe muon_optimizer_zero_grad(world.muon.pointer))

    let gradient = unsafe world.memory.array(ones)
    expectOK(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "grad", gradient, 6))
    step(world.muon)
    #expect(get(world.muon, "momentum") == ones)
    expectOK(unsafe muon_optimizer_zero_grad(world.muon.pointer))
    #expect(floats(gradient, 6) == [0, 0, 0, 0, 0, 0])
  }

  @Test func dataIsBoundAnew() {
    let data = unsafe world.memory.array([7, 7, 7, 7, 7, 7] as [Float])
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "data", data, 6))
    #expect(get(world.muon, "data") == [7, 7, 7, 7, 7, 7])
    step(world.muon)
    #expect(floats(data, 6) != [7, 7, 7, 7, 7, 7])
    #expect(floats(data, 6) == get(world.muon, "data"))
    expectRefused(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "data", nil, 0),
      MUON_ERR_INVALID_ARGUMENT)
    // The old memory may be taken by another parameter now, and the new may not.
    var param = unsafe parameter(world.memory, [2, 3])
    unsafe param.data = UnsafeMutableRawPointer(data)
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, &param, nil),
      MUON_ERR_INVALID_ARGUMENT)
  }

  /// Bound to memory that overlaps where it was itself.
  @Test func dataMayMoveByAnElement() {
    let data = unsafe world.memory.array((0..<8).map { Float($0) })
    for shift in [0, 1, 2, 0] {
      expectOK(
        unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "data", data + shift, 6))
      #expect(get(world.muon, "data") == (0..<6).map { Float($0 + shift) })
    }
  }

  @Test func stateMayBeTheCallers() {
    let momentum = unsafe world.memory.array(ones)
    expectOK(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "momentum", momentum, 6))
    step(world.muon)
    let expected = (1...6).map { Float(0.95) + Float($0) }
    #expect(floats(momentum, 6) == expected)
    // And the library's again, with the present values.
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "momentum", nil, 0))
    #expect(get(world.muon, "momentum") == expected)
    step(world.muon)
    #expect(floats(momentum, 6) == expected)
    #expect(get(world.muon, "momentum") != expected)
  }

  @Test func stateMayComeWithTheParameter() {
    var param = unsafe parameter(world.memory, [6])
    let mean = unsafe world.memory.array(ones)
    let square = unsafe world.memory.array(ones)
    // In any order.
    unsafe giveState(&param, world.memory, [("exp_avg_sq", square), ("exp_avg", mean)])
    let adamW = Handle { unsafe muon_optimizer_create_adamw(nil, $0) }
    expectOK(unsafe muon_optimizer_add_param(adamW.pointer, 0, &param, nil))
    #expect(get(adamW, "exp_avg") == ones)
    expectOK(unsafe muon_optimizer_step(adamW.pointer))
    #expect(floats(mean, 6) == get(adamW, "exp_avg"))
    #expect(floats(square, 6) == get(adamW, "exp_avg_sq"))
    #expect(floats(mean, 6) != ones && floats(square, 6) != ones)
    expectOK(unsafe muon_optimizer_destroy(adamW.pointer))
  }

  /// Nothing to point to, and nothing to do.
  @Test func parametersMayBeEmpty() {
    for (optimizer, shape): (Handle, [Int64]) in [(world.muon, [0, 3]), (world.adamW, [0])] {
      var param = unsafe parameter(world.memory, shape)
      unsafe (param.data, param.grad) = (nil, nil)
      expectOK(unsafe muon_optimizer_add_param(optimizer.pointer, 0, &param, nil))
      step(optimizer)
      var count = 77
      expectOK(unsafe muon_optimizer_get_buffer(optimizer.pointer, 1, "data", nil, 0, &count))
      #expect(count == 0)
      expectOK(unsafe muon_optimizer_bind_buffer(optimizer.pointer, 1, "data", nil, 0))
    }
  }
}

/// What is known of the buffers of a parameter: their names, shapes, types and sizes.
struct StateLayoutCallTests {
  private let world = World()

  private func names(_ optimizer: Handle, capacity: Int = 8) -> (names: [String], count: Int) {
    var out = unsafe [UnsafePointer<CChar>?](repeating: nil, count: capacity)
    var count = 77
    expectOK(
      unsafe muon_optimizer_get_state_buffers(optimizer.pointer, 0, &out, capacity, &count))
    let texts = unsafe out.prefix(count).compactMap { unsafe $0.map { unsafe String(cString: $0) } }
    return (texts, count)
  }

  @Test func buffersHaveNamesShapesAndTypes() {
    #expect(names(world.muon).names == ["momentum"])
    #expect(names(world.adamW).names == ["exp_avg", "exp_avg_sq"])
    #expect(names(world.adamW, capacity: 1) == (["exp_avg"], 2))
    #expect(names(world.adamW, capacity: 0) == ([], 2))
    for (optimizer, extents): (Handle, [Int64]) in [(world.muon, [2, 3]), (world.adamW, [6])] {
      for buffer in ["data", "grad"] + names(optimizer).names {
        var (shape, count, dtype) = ([Int64](repeating: 77, count: 8), 0, muon_dtype(77))
        expectOK(
          unsafe muon_optimizer_get_buffer_shape(optimizer.pointer, 0, buffer, &shape, 8, &count))
        #expect(Array(shape.prefix(count)) == extents)
        expectOK(unsafe muon_optimizer_get_buffer_dtype(optimizer.pointer, 0, buffer, &dtype))
        #expect(dtype == MUON_DTYPE_F32)
      }
    }
    var shape: [Int64] = [77]
    var count = 0
    expectOK(
      unsafe muon_optimizer_get_buffer_shape(world.muon.pointer, 0, "momentum", &shape, 1, &count))
    #expect(shape == [2] && count == 2)
    expectOK(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "grad", nil, 0))
    expectOK(unsafe muon_optimizer_get_buffer_shape(world.muon.pointer, 0, "grad", nil, 0, &count))
    #expect(count == 2)
  }

  /// As `Optimizer` says it once there is such a parameter.
  @Test func stateIsLaidOutBeforeThereIsAParameter() {
    let expected = [
      (world.muon, [4, 5] as [Int64], ["momentum/momentum_buffer"]),
      (world.adamW, [4, 5, 6], ["exp_avg/exp_avg", "exp_avg_sq/exp_avg_sq"]),
      (world.adamW, [], ["exp_avg/exp_avg", "exp_avg_sq/exp_avg_sq"]),
    ]
    for (optimizer, extents, names) in expected {
      var layouts = unsafe [muon_state_layout](repeating: muon_state_layout(), count: 4)
      var count = 0
      var param = unsafe parameter(world.memory, extents)
      unsafe (param.data, param.grad, param.data_count) = (nil, nil, .max)
      expectOK(
        unsafe muon_optimizer_get_state_layout(optimizer.pointer, 0, &param, &layouts, 4, &count))
      let found = unsafe layouts.prefix(count).map { layout in
        unsafe "\(String(cString: layout.name))/\(String(cString: layout.torch_key))"
      }
      #expect(found == names)
      for index in 0..<count {
        let ndim = unsafe Int(layouts[index].ndim)
        let dtype = unsafe layouts[index].dtype
        let shape = unsafe withUnsafeBytes(of: layouts[index].shape) {
          unsafe Array($0.bindMemory(to: Int64.self))
        }
        #expect(ndim == extents.count && dtype == MUON_DTYPE_F32)
        #expect(shape == extents + [Int64](repeating: 0, count: 8 - ndim))
      }
    }
    var count = 77
    var param = unsafe parameter(world.memory, [4])
    expectRefused(
      unsafe muon_optimizer_get_state_layout(world.muon.pointer, 0, &param, nil, 0, &count),
      MUON_ERR_SHAPE)
    #expect(lastError().contains("param1"))
    unsafe param.dtype = MUON_DTYPE_F64
    expectRefused(
      unsafe muon_optimizer_get_state_layout(world.adamW.pointer, 0, &param, nil, 0, &count),
      MUON_ERR_UNSUPPORTED)
    #expect(count == 77)
  }

  @Test func stateIsCounted() {
    for (optimizer, expected) in [(world.muon, 6 * 4), (world.adamW, 2 * 6 * 4)] {
      var bytes = 77
      expectOK(unsafe muon_optimizer_get_state_bytes(optimizer.pointer, &bytes))
      #expect(bytes == expected)
    }
  }
}
