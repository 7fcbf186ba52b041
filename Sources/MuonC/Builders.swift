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
    dimensions: unsafe Int(param.ndim), requiresGradient: unsafe param.requires_grad != 0,
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
  _ out: UnsafeMutablePointer<muon_route>?
) -> muon_status {
  guarded {
    let configuration = try unsafe configuration(config)
    let routes = unsafe try parameterList(params, count: count).map {
      let route = try unsafe route($0, configuration)
      return muon_route(
        optimizer: try cKind(route.optimizer),
        reason: try muon_route_reason(named: route.reason.cName))
    }
    guard !routes.isEmpty else { return }
    let out = try unsafe required(out, "out")
    for (index, route) in routes.enumerated() { unsafe out[index] = route }
  }
}

@c @implementation
public func muon_config_build_optimizers(
  _ config: UnsafePointer<CChar>?, _ params: UnsafePointer<muon_param>?, _ count: Int,
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let out = try unsafe required(out, "out")
    let outCount = try unsafe required(outCount, "outCount")
    let configuration = try unsafe configuration(config)
    var trained: [ParameterBinding] = []
    let params = unsafe try parameterList(params, count: count)
    for index in unsafe params.indices
    where unsafe try route(params[index], configuration).optimizer != nil {
      trained.append(try unsafe ParameterBinding(params[index], index: index))
    }
    let optimizers = try buildOptimizers(trained, configuration: configuration)
    let handles = try HandleTable.shared.insert(optimizers.count, .optimizer) {
      optimizers.map { OptimizerHandle($0, .optimizer) }
    }
    for index in handles.indices { unsafe out[index] = handles[index].pointer }
    unsafe outCount.pointee = optimizers.count
  }
}

@c @implementation
public func muon_config_build_schedulers(
  _ config: UnsafePointer<CChar>?, _ optimizers: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ batches_per_epoch: Int64, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> muon_status {
  guarded {
    let configuration = try unsafe configuration(config)
    let handles = try unsafe distinctOptimizers(optimizers, count)
    // Also for no optimizers, so that a wrong configuration never passes.
    let out = try unsafe handles.isEmpty ? out : required(out, "out")
    let made = try HandleTable.shared.insert(handles.count, .scheduler) {
      let schedulers = try withAll(handles) { optimizers in
        try buildSchedulers(
          optimizers, configuration: configuration, batchesPerEpoch: Int(batches_per_epoch))
      }
      return zip(schedulers, handles).map { scheduler, handle in
        SchedulerHandle(DrivenOptimizers(scheduler: scheduler, handles: [handle]), .scheduler)
      }
    }
    for index in made.indices { unsafe out?[index] = made[index].pointer }
  }
}
