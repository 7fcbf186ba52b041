// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

private func configuration(_ json: UnsafePointer<CChar>?) throws -> TrainingConfiguration {
  try TrainingConfiguration(json: try unsafe string(json, "config"))
}

/// The name by which rules know a parameter; `index` names one without a name. That a name is UTF-8 matters when the
/// parameter is added.
private func ruleName(_ param: muon_param, index: Int) throws -> String {
  guard let name = unsafe param.name else { return "param\(index)" }
  try unsafe requireMemory(forText: name, each: 32)
  return unsafe String(cString: name)
}

/// Where each parameter goes, and its name, which is read where there are rules.
private func routes(
  _ params: [muon_param], _ configuration: TrainingConfiguration
) throws -> [(name: String, route: Route)] {
  let router = Router(configuration)
  return unsafe try params.indices.map { index in
    let param = unsafe params[index]
    let name = configuration.rules.isEmpty ? "" : try unsafe ruleName(param, index: index)
    let route = router.route(
      name: name, dimensions: unsafe Int(param.ndim), hasView: unsafe param.view != nil,
      requiresGradient: unsafe param.requires_grad != 0,
      isFloatingPoint: try isFloatingPoint(unsafe param.dtype))
    return (name, route)
  }
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
    let routes = try unsafe routes(parameterList(params, count: count), configuration)
    result.write(
      try routes.map { _, route in
        muon_route(
          optimizer: try cKind(route.optimizer),
          reason: try muon_route_reason(named: route.reason.cName))
      })
  }
}

@c @implementation
public func muon_config_match_rules(
  _ config: UnsafePointer<CChar>?, _ params: UnsafePointer<muon_param>?, _ count: Int,
  _ outRules: UnsafeMutablePointer<Int64>?, _ capacity: Int,
  _ outCount: UnsafeMutablePointer<Int>?
) -> muon_status {
  guarded {
    let result = try unsafe ListResult(outRules, "outRules", capacity: capacity, count: outCount)
    let configuration = try unsafe configuration(config)
    let routes = try unsafe routes(parameterList(params, count: count), configuration)
    result.write(routes.map { _, route in Int64(route.rule ?? -1) })
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
    var routed: [Router.Routed] = []
    let params = unsafe try parameterList(params, count: count)
    for (index, (name, route)) in unsafe try routes(params, configuration).enumerated() {
      guard route.optimizer != nil else {
        routed.append(Router.Routed(name, [], route))
        continue
      }
      let binding = try unsafe ParameterBinding(params[index], index: index)
      trained.append(binding)
      routed.append(Router.Routed(binding.parameter.name, binding.parameter.shape, route))
    }
    let optimizers = try buildOptimizers(trained, configuration: configuration)
    guard capacity > 0 else { return unsafe result.writeCount(optimizers.count) }
    try unsafe result.requireRoom(for: optimizers.count, "optimizers")
    let handles = try HandleTable.shared.insert(optimizers.count, .optimizer) {
      optimizers.map { OptimizerHandle($0, .optimizer) }
    }
    unsafe result.write(handles.map(\.pointer))
    Router(configuration).warn(of: routed)
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
    // Before anything is made: making a scheduler sets rates.
    let planned = try PlannedSchedules(configuration, batchesPerEpoch: Int(batches_per_epoch))
    let count = planned.count(for: try withAll(handles) { $0.map(\.kind) })
    guard capacity > 0 || count == 0 else { return unsafe result.writeCount(count) }
    try unsafe result.requireRoom(for: count, "schedulers")
    let made = try HandleTable.shared.insert(count, .scheduler) {
      try withAll(handles) { optimizers in
        try planned.schedulers(for: optimizers).map { scheduler in
          let driven = zip(optimizers, handles).filter { $0.0 === scheduler.optimizers[0] }
          return SchedulerHandle(
            DrivenOptimizers(scheduler: scheduler, handles: driven.map(\.1)), .scheduler)
        }
      }
    }
    unsafe result.write(made.map(\.pointer))
  }
}
