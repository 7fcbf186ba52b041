// Uses every part of the Swift API as a stranger would, and compares with what it works out itself.
import Glibc
import MuonOptimizers

do {
  try usesOptimizers()
  try usesSchedules()
  try usesBuilders()
  try usesOrthogonalize()
  try usesState()
  try usesErrors()
  try usesStatisticsAndLog()
  try await usesConcurrency()
  print(BuildInfo.description)
} catch {
  print("error: \(error)")
  exit(1)
}
