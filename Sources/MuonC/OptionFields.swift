// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
internal import CMuon
internal import MuonOptimizers

// The fields of option structs, by the names of the options.

extension muon_orthogonalize_options: @unsafe OptionStruct {
  typealias Options = OrthogonalizeOptions

  mutating func visit(_ visitor: inout some FieldVisitor) throws {
    try unsafe visitor.visit("backend", &backend)
    try unsafe visitor.visit("backend_steps", &backend_steps)
    try unsafe visitor.visit("eps", &eps)
    try unsafe visitor.visit("precision", &precision)
    try unsafe visitor.visit("coefficients", &coefficients, &coefficients_count)
    try unsafe visitor.visit("method", &method)
  }
}

extension muon_muon_options: @unsafe OptionStruct {
  typealias Options = MuonOptions

  mutating func visit(_ visitor: inout some FieldVisitor) throws {
    try unsafe visitor.visit("lr", &lr)
    try unsafe visitor.visit("momentum", &momentum)
    try unsafe visitor.visit("weight_decay", &weight_decay)
    try unsafe visitor.visit("eps", &eps)
    try unsafe visitor.visit("nesterov", &nesterov)
    try unsafe visitor.visit("momentum_style", &momentum_style)
    try unsafe visitor.visit("shape_scale", &shape_scale)
    try unsafe visitor.visit("backend", &backend)
    try unsafe visitor.visit("backend_steps", &backend_steps)
    try unsafe visitor.visit("precision", &precision)
    try unsafe visitor.visit("coefficients", &coefficients, &coefficients_count)
    try unsafe visitor.visit("method", &method)
    try unsafe visitor.visit("update_scale", &update_scale)
    try unsafe visitor.visit("cautious_weight_decay", &cautious_weight_decay)
    try unsafe visitor.visit("second_moment", &second_moment)
    try unsafe visitor.visit("beta2", &beta2)
    try unsafe visitor.visit("hyperball", &hyperball)
  }
}

extension muon_adamw_options: OptionStruct {
  typealias Options = AdamWOptions

  mutating func visit(_ visitor: inout some FieldVisitor) throws {
    try visitor.visit("lr", &lr)
    try visitor.visit("beta1", &beta1)
    try visitor.visit("beta2", &beta2)
    try visitor.visit("eps", &eps)
    try visitor.visit("weight_decay", &weight_decay)
    try visitor.visit("cautious_weight_decay", &cautious_weight_decay)
  }
}
