// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

private func configuration(_ json: UnsafePointer<CChar>?) throws -> TrainingConfiguration {
  try TrainingConfiguration(json: try unsafe string(json, "config"))
}

private func route(
  _ param: muon_param, _ configuration: TrainingConfiguration
) throws -> Route {
  return Route(
    dimensions: unsafe Int(param.ndim), hasView: unsafe param.view != nil,
    requiresGradient: unsafe param.requires_grad != 0,
    isFloatingPoint: try isFloatingPoint(unsafe param.dtype), configuration: configuration)
}

let reasonTexts = Dictionary(
  uniqueKeysWithValues: Route.Reason.allCases.map { ($0, PermanentText($0.text)) })

@c @implementation
public func muon_route_reason_text(_ reason: muon_route_reason) -> UnsafePointer<CChar>? {
  unsafe hosted {
    guard let known = try? Route.Reason(reason, "the reason"), let text = reasonTexts[known] else {
      return unsafe constant("unknown")
    }
    return unsafe text.start
  }
}

@c @implementation
public func muon_config_route_params(
  _ config: UnsafePointer<CChar>?, _ params: UnsafePointer<muon_param>?, _ count: Int,
  _ outRoutes: UnsafeMutablePointer<muon_route>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outRoutes, "outRoutes", capacity: capacity, count: outCount)
    let configuration = try unsafe configuration(config)
    let routes = unsafe try parameterList(params, count: count).map {
      let route = try unsafe route($0, configuration)
      return muon_route(
        optimizer: try cKind(route.optimizer),
        reason: try muon_route_reason(named: route.reason.cName))
    }
    result.write(routes)
  }
}

@c @implementation
public func muon_config_build_optimizers(
  _ config: UnsafePointer<CChar>?, _ params: UnsafePointer<muon_param>?, _ count: Int,
  _ outOptimizers: UnsafeMutablePointer<OpaquePointer?>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outOptimizers, "outOptimizers", capacity: capacity, count: outCount)
    let configuration = try unsafe configuration(config)
    var trained: [ParameterBinding] = []
    let params = unsafe try parameterList(params, count: count)
    for index in unsafe params.indices
    where unsafe try route(params[index], configuration).optimizer != nil {
      trained.append(try unsafe ParameterBinding(params[index], index: index))
    }
    let optimizers = try buildOptimizers(trained, configuration: configuration)
    guard capacity > 0 else { return unsafe result.writeCount(optimizers.count) }
    try unsafe result.requireRoom(for: optimizers.count, "optimizers")
    let handles = try HandleTable.shared.insert(optimizers.count, .optimizer) {
      optimizers.map { OptimizerHandle($0, .optimizer) }
    }
    unsafe result.write(handles.map(\.pointer))
  }
}

@c @implementation
public func muon_config_build_schedulers(
  _ config: UnsafePointer<CChar>?, _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ batches_per_epoch: Int64, _ outSchedulers: UnsafeMutablePointer<OpaquePointer?>?,
  _ capacity: Int, _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(
      outSchedulers, "outSchedulers", capacity: capacity, count: outCount)
    let configuration = try unsafe configuration(config)
    let handles = try unsafe distinctOptimizers(optimizers, count)
    // Before anything is made: making a scheduler sets rates. None at all are made all the same, so that
    // a wrong configuration never passes.
    guard capacity > 0 || handles.isEmpty else { return unsafe result.writeCount(handles.count) }
    try unsafe result.requireRoom(for: handles.count, "schedulers")
    let made = try HandleTable.shared.insert(handles.count, .scheduler) {
      let schedulers = try withAll(handles) { optimizers in
        try buildSchedulers(
          optimizers, configuration: configuration, batchesPerEpoch: Int(batches_per_epoch))
      }
      return zip(schedulers, handles).map { scheduler, handle in
        SchedulerHandle(DrivenOptimizers(scheduler: scheduler, handles: [handle]), .scheduler)
      }
    }
    unsafe result.write(made.map(\.pointer))
  }
}
