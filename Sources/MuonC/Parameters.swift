// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

@c @implementation
public func muon_param_init(
  _ outParam: UnsafeMutablePointer<muon_param>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outParam, "outParam", struct_size) {
    var param = unsafe muon_param()
    unsafe param.dtype = MUON_DTYPE_F32
    unsafe param.requires_grad = 1
    return unsafe param
  }
}

@c @implementation
public func muon_view_init(
  _ outView: UnsafeMutablePointer<muon_view>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outView, "outView", struct_size) { unsafe muon_view() }
}

extension ParameterBinding {
  /// A parameter that a caller described, bound to the caller's memory. `index` names a parameter
  /// without a name.
  init(_ param: muon_param, index: Int) throws {
    let (name, extents) = unsafe try described(param, index: index)
    let owner = "parameter \(name)"
    let storage = try unsafe storage(param, owner)
    let data = try unsafe memory(param.data, param.data_count, "the data of \(owner)")
    let gradient = try unsafe given(param.grad, param.grad_count, "the gradient of \(owner)")
    unsafe self.init(
      try Parameter(
        name, shape: extents, data: data.numbers(of: storage.elements),
        gradient: gradient?.numbers(of: storage.gradientElements),
        requiresGradient: param.requires_grad != 0, view: view(param, of: name), storage: storage),
      state: try stateBuffers(param.state, count: param.state_count, of: owner))
  }
}

/// The parameters of a list; one without a name is named by its number in the optimizer, where
/// `first` are already.
func bindings(
  _ params: UnsafePointer<muon_param>?, _ count: Int, after first: Int
) throws -> [ParameterBinding] {
  let params = unsafe try parameterList(params, count: count)
  return unsafe try params.indices.map {
    try unsafe ParameterBinding(params[$0], index: first + $0)
  }
}

/// The name and the extents of a parameter that an optimizer can take. `index` names one without a name.
func described(
  _ param: muon_param, index: Int
) throws -> (name: String, extents: [Int]) {
  let name =
    if let given = unsafe param.name { try unsafe string(given, "name") } else { "param\(index)" }
  let owner = "parameter \(name)"
  return (name, try unsafe extents(param.shape, param.ndim, of: owner))
}

private func extents(
  _ shape: UnsafePointer<Int64>?, _ ndim: Int32, of owner: String
) throws -> [Int] {
  guard ndim >= 0 else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT,
      "the number of dimensions of \(owner) must be 0 to \(Shape.maximumDimensions), got \(ndim)")
  }
  return unsafe try list(
    shape, count: Int(ndim), most: Shape.maximumDimensions, "dimensions of \(owner)"
  ).map { Int($0) }
}

/// The types that a caller's parameter is stored in.
func storage(_ param: muon_param, _ owner: String) throws -> ParameterStorage {
  let unsaid = muon_dtype(rawValue: 0)
  return unsafe ParameterStorage(
    try elementType(param.dtype, "\(owner): dtype"),
    gradient: param.grad_dtype == unsaid
      ? nil : try elementType(param.grad_dtype, "\(owner): grad_dtype"),
    momentum: param.state_dtype == unsaid
      ? .float32 : try elementType(param.state_dtype, "\(owner): state_dtype"),
    master: try Master(param.master, "\(owner): master"))
}

/// How a caller's parameter is to be seen.
func view(_ param: muon_param, of name: String) throws -> MatrixView? {
  guard let given = unsafe param.view else { return nil }
  let label = "the view of parameter \(name)"
  let view = try unsafe readStruct(given, label)
  let axes = try unsafe view.axes.map { try unsafe string($0, "the axes of \(label)") }
  let shape = try unsafe extents(view.shape, view.ndim, of: label)
  let sizes = try unsafe list(
    view.split_sizes, count: view.split_count, "split_sizes of \(label)")
  return MatrixView(
    axes ?? "oi", shape: shape,
    split: unsafe sizes.isEmpty
      ? nil : .init(axis: Int(view.split_axis), sizes: sizes.map { Int($0) }))
}

/// The state buffers of a caller's list that are there.
private func stateBuffers(
  _ list: UnsafePointer<muon_state_buffer>?, count: Int, of owner: String
) throws -> [ParameterBinding.State] {
  let entries = try unsafe MuonC.list(
    list, count: count, most: mostStateBuffers, "state buffers of \(owner)")
  return try entries.indices.compactMap { index in
    let label = "state[\(index)] of \(owner)"
    guard let memory = try unsafe given(entries[index].data, entries[index].count, label) else {
      return nil
    }
    let name = try unsafe string(entries[index].name, "the name of \(label)")
    return ParameterBinding.State(ParameterBuffer(name), memory)
  }
}

/// No optimizer will ever keep more for a parameter, so that a wrong count is noticed.
private let mostStateBuffers = 64

/// A buffer that may be absent: NULL with count 0.
@unsafe
func given(
  _ pointer: UnsafeMutableRawPointer?, _ count: Int, _ name: String
) throws -> NumberMemory? {
  let memory = try unsafe MuonC.memory(pointer, count, name)
  return unsafe pointer == nil ? nil : memory
}

private func elementType(_ dtype: muon_dtype, _ label: String) throws -> ElementType {
  guard try isFloatingPoint(dtype, label) else {
    throw CallError(MUON_ERR_DTYPE, "\(label): it is not floating point")
  }
  switch dtype {
  case MUON_DTYPE_F32: return .float32
  case MUON_DTYPE_BF16: return .bfloat16
  case MUON_DTYPE_F16: return .float16
  default:
    throw CallError(
      MUON_ERR_UNSUPPORTED,
      "\(label): \(try dtype.name(of: label)) is not in this version; use f32, bf16 or f16")
  }
}

/// Whether the builders may send a parameter of this type to an optimizer. `label` is for messages.
func isFloatingPoint(_ dtype: muon_dtype, _ label: String = "dtype") throws -> Bool {
  switch dtype {
  case MUON_DTYPE_F32, MUON_DTYPE_BF16, MUON_DTYPE_F16, MUON_DTYPE_F64: return true
  case MUON_DTYPE_NOT_FLOAT, MUON_DTYPE_I16: return false
  default:
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT, "\(label): there is no value \(dtype.rawValue) in its enum")
  }
}
