import Readings

extension StabilityReport: Encodable {
  private enum Key: String, CodingKey {
    case name, address, profile, passed, faults, verdict, failures, trend, leaks, runs
    case poller = "polled_by"
    case successRate = "success_rate"
    case connectMean = "connect_ms_mean"
    case connectP50 = "connect_ms_p50"
    case connectP95 = "connect_ms_p95"
    case pollMean = "poll_ms_mean"
    case pollP50 = "poll_ms_p50"
    case pollP95 = "poll_ms_p95"
  }

  private enum TrendKey: String, CodingKey {
    case z, rising
    case slope = "slope_ms"
    case rise = "rise_ms"
  }

  private enum LeaksKey: String, CodingKey { case processes, descriptors, links }

  /// Every key is always there: null says that nobody knows.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(address, forKey: .address)
    try fields.encode(profile, forKey: .profile)
    try fields.encode(poller, forKey: .poller)
    try fields.encode(isPassed, forKey: .passed)
    try fields.encode(faults, forKey: .faults)
    try fields.encode(verdict, forKey: .verdict)
    try fields.encode(successRate.map { $0.rounded(to: 10_000) }, forKey: .successRate)
    try fields.encode((connect?.mean).map { $0.rounded(to: 10) }, forKey: .connectMean)
    try fields.encode(connect?.p50, forKey: .connectP50)
    try fields.encode(connect?.p95, forKey: .connectP95)
    try fields.encode((poll?.mean).map { $0.rounded(to: 10) }, forKey: .pollMean)
    try fields.encode(poll?.p50, forKey: .pollP50)
    try fields.encode(poll?.p95, forKey: .pollP95)
    try fields.encode(Dictionary(uniqueKeysWithValues: failures.map { ($0.key.rawValue, $0.value) }), forKey: .failures)
    if let trend {
      var inner = fields.nestedContainer(keyedBy: TrendKey.self, forKey: .trend)
      try inner.encode(trend.z.rounded(to: 100), forKey: .z)
      try inner.encode(trend.slope.rounded(to: 10), forKey: .slope)
      try inner.encode(trend.rise.rounded(to: 10), forKey: .rise)
      try inner.encode(isRising, forKey: .rising)
    } else {
      try fields.encodeNil(forKey: .trend)
    }
    var inner = fields.nestedContainer(keyedBy: LeaksKey.self, forKey: .leaks)
    try inner.encode(leaks.processes, forKey: .processes)
    try inner.encode(leaks.descriptors, forKey: .descriptors)
    try inner.encode(leaks.links, forKey: .links)
    try fields.encode(runs, forKey: .runs)
  }
}
