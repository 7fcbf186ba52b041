// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CMuon

@c @implementation
public func muon_status_name(_ status: muon_status) -> UnsafePointer<CChar>? {
  switch status {
  case MUON_OK: unsafe constant("MUON_OK")
  case MUON_ERR_INVALID_ARGUMENT: unsafe constant("MUON_ERR_INVALID_ARGUMENT")
  case MUON_ERR_INVALID_HANDLE: unsafe constant("MUON_ERR_INVALID_HANDLE")
  case MUON_ERR_SHAPE: unsafe constant("MUON_ERR_SHAPE")
  case MUON_ERR_DTYPE: unsafe constant("MUON_ERR_DTYPE")
  case MUON_ERR_CONFIG: unsafe constant("MUON_ERR_CONFIG")
  case MUON_ERR_OUT_OF_MEMORY: unsafe constant("MUON_ERR_OUT_OF_MEMORY")
  case MUON_ERR_NONFINITE_GRADIENT: unsafe constant("MUON_ERR_NONFINITE_GRADIENT")
  case MUON_ERR_UNSUPPORTED: unsafe constant("MUON_ERR_UNSUPPORTED")
  case MUON_ERR_NOT_CONVERGED: unsafe constant("MUON_ERR_NOT_CONVERGED")
  case MUON_ERR_INTERNAL: unsafe constant("MUON_ERR_INTERNAL")
  case MUON_ERR_IO: unsafe constant("MUON_ERR_IO")
  case MUON_ERR_CORRUPT: unsafe constant("MUON_ERR_CORRUPT")
  case MUON_ERR_MISMATCH: unsafe constant("MUON_ERR_MISMATCH")
  case MUON_ERR_CANCELLED: unsafe constant("MUON_ERR_CANCELLED")
  default: unsafe constant("MUON_ERR_UNKNOWN")
  }
}
