// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon
internal import MuonOptimizers

// The option structs of muon.h with their defaults.

@c @implementation
public func muon_orthogonalize_options_init(
  _ outOptions: UnsafeMutablePointer<muon_orthogonalize_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    unsafe try muon_orthogonalize_options(OrthogonalizeOptions())
  }
}

@c @implementation
public func muon_muon_options_init(
  _ outOptions: UnsafeMutablePointer<muon_muon_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    unsafe try muon_muon_options(MuonOptions())
  }
}

@c @implementation
public func muon_adamw_options_init(
  _ outOptions: UnsafeMutablePointer<muon_adamw_options>?, _ struct_size: Int
) -> muon_status {
  unsafe initialize(outOptions, "outOptions", struct_size) {
    try muon_adamw_options(AdamWOptions())
  }
}

/// In C, 0 is the backend's own number.
func steps(_ count: Int32) -> Int? { count == 0 ? nil : Int(count) }
