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
    let data = try unsafe Elements(
      floats(param.data, count: param.data_count, "the data of \(owner)"))
    let gradient = try unsafe given(param.grad, param.grad_count, "the gradient of \(owner)")
    unsafe self.init(
      try Parameter(
        name, shape: extents, data: data, gradient: gradient,
        requiresGradient: param.requires_grad != 0, view: view(param, of: name)),
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
  try requireFloat32(unsafe param.dtype, owner)
  let extents = unsafe try list(
    param.shape, count: Int(param.ndim), most: Shape.maximumDimensions, "dimensions of \(owner)"
  ).map { Int($0) }
  return (name, extents)
}

/// How a caller's parameter is to be seen.
func view(_ param: muon_param, of name: String) throws -> MatrixView? {
  guard let given = unsafe param.view else { return nil }
  let label = "the view of parameter \(name)"
  let view = try unsafe readStruct(given, label)
  let axes = try unsafe view.axes.map { try unsafe string($0, "the axes of \(label)") }
  let shape = try unsafe list(
    view.shape, count: Int(view.ndim), most: Shape.maximumDimensions, "dimensions of \(label)")
  let sizes = try unsafe list(
    view.split_sizes, count: view.split_count, "split_sizes of \(label)")
  return MatrixView(
    axes ?? "oi", shape: unsafe shape.map { Int($0) },
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
    let name = try unsafe string(entries[index].name, "the name of \(label)")
    let memory = try unsafe given(entries[index].data, entries[index].count, label)
    return memory.map { ParameterBinding.State(ParameterBuffer(name), $0) }
  }
}

/// No optimizer will ever keep more for a parameter, so that a wrong count is noticed.
private let mostStateBuffers = 64

/// A buffer that may be absent: NULL with count 0.
@unsafe
func given(
  _ pointer: UnsafeMutableRawPointer?, _ count: Int, _ name: String
) throws -> Elements<Float>? {
  let memory = try unsafe Elements(floats(pointer, count: count, name))
  return unsafe pointer == nil ? nil : memory
}

private func requireFloat32(_ dtype: muon_dtype, _ owner: String) throws {
  guard try isFloatingPoint(dtype, "\(owner): dtype") else {
    throw CallError(MUON_ERR_DTYPE, "\(owner) is not floating point")
  }
  guard dtype == MUON_DTYPE_F32 else {
    throw CallError(
      MUON_ERR_UNSUPPORTED, "\(owner): dtype \(dtype.rawValue) is not in this version; use f32")
  }
}

/// Whether the builders may send a parameter of this type to an optimizer. `label` is for messages.
func isFloatingPoint(_ dtype: muon_dtype, _ label: String = "dtype") throws -> Bool {
  switch dtype {
  case MUON_DTYPE_F32, MUON_DTYPE_BF16, MUON_DTYPE_F16, MUON_DTYPE_F64: return true
  case MUON_DTYPE_NOT_FLOAT: return false
  default:
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT, "\(label): there is no value \(dtype.rawValue) in its enum")
  }
}
