// What can be asked of a parameter that was added; parameters count from 0 as in `parameters`.
extension Optimizer {
  /// The number of the first parameter of a name.
  ///
  /// - Throws: `invalidArgument` where there is none.
  public func index(ofParameterNamed name: String) throws(MuonError) -> Int {
    guard let index = trained.firstIndex(where: { $0.parameter.name == name }) else {
      throw MuonError(
        .invalidArgument,
        "there is no parameter \"\(name.escapingControls.shortened(to: 100))\"; there are "
          + "\(trained.count) parameters")
    }
    return index
  }

  /// The name of a parameter.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func name(ofParameter index: Int) throws(MuonError) -> String {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].parameter.name
  }

  /// The group that a parameter was added to.
  ///
  /// - Throws: `invalidArgument` where there is no such parameter.
  public func group(ofParameter index: Int) throws(MuonError) -> Int {
    try requireIndex(index, count: trained.count, "parameter")
    return trained[index].group
  }
}
