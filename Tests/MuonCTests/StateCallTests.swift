import CMuon
import Testing

/// Buffers of parameters through the C interface: counted, copied, bound and bound anew.
struct StateCallTests {
  private let world = World()
  private let ones = [Float](repeating: 1, count: 6)

  private func get(_ optimizer: Handle, _ buffer: muon_buffer) -> [Float] {
    var count = 0
    expectOK(unsafe muon_optimizer_get_buffer_count(optimizer.pointer, 0, buffer, &count))
    var values = [Float](repeating: .nan, count: count)
    expectOK(unsafe muon_optimizer_get_buffer(optimizer.pointer, 0, buffer, &values, count))
    return values
  }

  private func set(_ optimizer: Handle, _ buffer: muon_buffer, _ values: [Float]) {
    expectOK(
      unsafe muon_optimizer_set_buffer(optimizer.pointer, 0, buffer, values, values.count))
  }

  private func step(_ optimizer: Handle) {
    expectOK(unsafe muon_optimizer_step(optimizer.pointer))
  }

  @Test func isCopiedOutAndIn() {
    #expect(get(world.muon, MUON_BUFFER_DATA) == [1, 2, 3, 4, 5, 6])
    #expect(get(world.muon, MUON_BUFFER_GRAD) == [1, 2, 3, 4, 5, 6])
    #expect(get(world.muon, MUON_BUFFER_MOMENTUM) == [0, 0, 0, 0, 0, 0])
    let muon = [MUON_BUFFER_DATA, MUON_BUFFER_GRAD, MUON_BUFFER_MOMENTUM]
    for (index, buffer) in muon.enumerated() {
      let values = (0..<6).map { Float($0 * 10 + index) }
      set(world.muon, buffer, values)
      #expect(get(world.muon, buffer) == values)
    }
    for buffer in [MUON_BUFFER_EXP_AVG, MUON_BUFFER_EXP_AVG_SQ] {
      set(world.adamW, buffer, [6, 5, 4, 3, 2, 1])
      #expect(get(world.adamW, buffer) == [6, 5, 4, 3, 2, 1])
    }
  }

  /// Memory of the caller's that has NaN in it, given or bound, is found before the next step, and so is
  /// what `set_buffer` brings.
  @Test func spoiltStateIsRefused() {
    let spoilt: [Float] = [0, 0, 0, 0, 0, .nan]
    let ways: [(Handle) -> Void] = [
      { set($0, MUON_BUFFER_MOMENTUM, spoilt) },
      {
        expectOK(
          unsafe muon_optimizer_bind_buffer(
            $0.pointer, 0, MUON_BUFFER_MOMENTUM, world.memory.array(spoilt), 6))
      },
    ]
    for way in ways {
      step(world.muon)
      way(world.muon)
      let data = get(world.muon, MUON_BUFFER_DATA)
      for _ in 0..<2 {
        expectRefused(
          unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_NONFINITE_GRADIENT)
        #expect(get(world.muon, MUON_BUFFER_DATA) == data)
      }
      set(world.muon, MUON_BUFFER_MOMENTUM, ones)
    }
    step(world.muon)

    let given = Handle { unsafe muon_optimizer_create_muon(nil, $0) }
    var param = unsafe parameter(world.memory, [2, 3])
    unsafe param.state.0 = unsafe UnsafeMutableRawPointer(world.memory.array(spoilt))
    unsafe param.state_count.0 = 6
    expectOK(unsafe muon_optimizer_add_param(given.pointer, 0, &param, nil))
    expectRefused(unsafe muon_optimizer_step(given.pointer), MUON_ERR_NONFINITE_GRADIENT)
    expectOK(unsafe muon_optimizer_destroy(given.pointer))
  }

  @Test func buffersOfTheOtherKindAreRefused() {
    var count = 77
    for (optimizer, buffer) in [
      (world.muon, MUON_BUFFER_EXP_AVG), (world.muon, MUON_BUFFER_EXP_AVG_SQ),
      (world.adamW, MUON_BUFFER_MOMENTUM),
    ] {
      var values = ones
      expectRefused(
        unsafe muon_optimizer_get_buffer_count(optimizer.pointer, 0, buffer, &count),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_get_buffer(optimizer.pointer, 0, buffer, &values, 6),
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
      (world.muon, other.muon, [MUON_BUFFER_DATA, MUON_BUFFER_MOMENTUM]),
      (world.adamW, other.adamW, [MUON_BUFFER_DATA, MUON_BUFFER_EXP_AVG, MUON_BUFFER_EXP_AVG_SQ]),
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
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_GRAD, nil, 0))
    step(world.muon)
    #expect(get(world.muon, MUON_BUFFER_DATA) == [1, 2, 3, 4, 5, 6])
    var (steps, count): (Int64, Int) = (77, 77)
    expectOK(unsafe muon_optimizer_get_param_steps(world.muon.pointer, 0, &steps))
    #expect(steps == 0)
    expectRefused(
      unsafe muon_optimizer_get_buffer_count(world.muon.pointer, 0, MUON_BUFFER_GRAD, &count),
      MUON_ERR_INVALID_ARGUMENT)
    expectOK(unsafe muon_optimizer_zero_grad(world.muon.pointer))

    let gradient = unsafe world.memory.array(ones)
    expectOK(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_GRAD, gradient, 6))
    step(world.muon)
    #expect(get(world.muon, MUON_BUFFER_MOMENTUM) == ones)
    expectOK(unsafe muon_optimizer_zero_grad(world.muon.pointer))
    #expect(floats(gradient, 6) == [0, 0, 0, 0, 0, 0])
  }

  @Test func dataIsBoundAnew() {
    let data = unsafe world.memory.array([7, 7, 7, 7, 7, 7] as [Float])
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_DATA, data, 6))
    #expect(get(world.muon, MUON_BUFFER_DATA) == [7, 7, 7, 7, 7, 7])
    step(world.muon)
    #expect(floats(data, 6) != [7, 7, 7, 7, 7, 7])
    #expect(floats(data, 6) == get(world.muon, MUON_BUFFER_DATA))
    expectRefused(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_DATA, nil, 0),
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
        unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_DATA, data + shift, 6))
      #expect(get(world.muon, MUON_BUFFER_DATA) == (0..<6).map { Float($0 + shift) })
    }
  }

  @Test func stateMayBeTheCallers() {
    let momentum = unsafe world.memory.array(ones)
    expectOK(
      unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_MOMENTUM, momentum, 6))
    step(world.muon)
    let expected = (1...6).map { Float(0.95) + Float($0) }
    #expect(floats(momentum, 6) == expected)
    // And the library's again, with the present values.
    expectOK(unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, MUON_BUFFER_MOMENTUM, nil, 0))
    #expect(get(world.muon, MUON_BUFFER_MOMENTUM) == expected)
    step(world.muon)
    #expect(floats(momentum, 6) == expected)
    #expect(get(world.muon, MUON_BUFFER_MOMENTUM) != expected)
  }

  @Test func stateMayComeWithTheParameter() {
    var param = unsafe parameter(world.memory, [6])
    let mean = unsafe world.memory.array(ones)
    let square = unsafe world.memory.array(ones)
    unsafe param.state = (UnsafeMutableRawPointer(mean), UnsafeMutableRawPointer(square))
    unsafe param.state_count = (6, 6)
    let adamW = Handle { unsafe muon_optimizer_create_adamw(nil, $0) }
    expectOK(unsafe muon_optimizer_add_param(adamW.pointer, 0, &param, nil))
    #expect(get(adamW, MUON_BUFFER_EXP_AVG) == ones)
    expectOK(unsafe muon_optimizer_step(adamW.pointer))
    #expect(floats(mean, 6) == get(adamW, MUON_BUFFER_EXP_AVG))
    #expect(floats(square, 6) == get(adamW, MUON_BUFFER_EXP_AVG_SQ))
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
      expectOK(
        unsafe muon_optimizer_get_buffer_count(optimizer.pointer, 1, MUON_BUFFER_DATA, &count))
      #expect(count == 0)
      expectOK(
        unsafe muon_optimizer_get_buffer(optimizer.pointer, 1, MUON_BUFFER_DATA, nil, 0))
      expectOK(unsafe muon_optimizer_bind_buffer(optimizer.pointer, 1, MUON_BUFFER_DATA, nil, 0))
    }
  }
}
