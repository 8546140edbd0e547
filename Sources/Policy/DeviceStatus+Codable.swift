import FoundationEssentials
import Readings

extension DeviceStatus: Codable {
  private enum Key: String, CodingKey {
    case name, address, unit, profile, confidence, model, status, available, readings, implausible, derived, failure,
      availability, rssi
    case link
    case rawSign = "raw_sign"
    case testMode = "test_mode"
    case age = "age_s"
    case readAt = "read_at"
    case successRate = "success_rate"
    case connectMs = "connect_ms"
    case connectMsMean = "connect_ms_mean"
    case pollMs = "poll_ms"
    case consecutiveFailures = "consecutive_failures"
    case deadline = "deadline_s"
    case interval = "interval_s"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    name = try fields.decode(String.self, forKey: .name)
    address = try fields.decode(Address.self, forKey: .address)
    unit = try fields.decodeIfPresent(UInt8.self, forKey: .unit)
    profile = try fields.decode(String.self, forKey: .profile)
    confidence = try fields.decodeIfPresent(Confidence.self, forKey: .confidence)
    model = try fields.decodeIfPresent(String.self, forKey: .model)
    status = try fields.decode(Freshness.Status.self, forKey: .status)
    available = try fields.decode(Bool.self, forKey: .available)
    testMode = try fields.decode(Bool.self, forKey: .testMode)
    age = try fields.timeIfPresent(.age)
    readAt = try fields.decodeIfPresent(String.self, forKey: .readAt).map { try Date(rfc3339: $0) }
    readings = try fields.decode([String: Reading].self, forKey: .readings)
    rawSign = try fields.decode([String].self, forKey: .rawSign)
    implausible = try fields.decode([String].self, forKey: .implausible)
    derived = try fields.decodeIfPresent([String].self, forKey: .derived) ?? []
    failure = try fields.decodeIfPresent(FailureReport.self, forKey: .failure)
    successRate = try fields.shareIfPresent(.successRate)
    availability = try fields.shareIfPresent(.availability)
    connectMs = try fields.millisecondsIfPresent(Int64.self, .connectMs)
    connectMsMean = try fields.millisecondsIfPresent(Double.self, .connectMsMean)
    pollMs = try fields.millisecondsIfPresent(Int64.self, .pollMs)
    consecutiveFailures = try fields.count(.consecutiveFailures)
    deadline = try fields.time(.deadline)
    interval = try fields.timeIfPresent(.interval)
    // As bluetoothd has it.
    rssi = try fields.decodeIfPresent(Int16.self, forKey: .rssi).map(Int.init)
    link = try fields.decodeIfPresent(LinkKind.self, forKey: .link)
  }

  /// Every key is always there: null says that nobody knows.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(address, forKey: .address)
    try fields.encode(unit, forKey: .unit)
    try fields.encode(profile, forKey: .profile)
    try fields.encode(confidence, forKey: .confidence)
    try fields.encode(model, forKey: .model)
    try fields.encode(status, forKey: .status)
    try fields.encode(available, forKey: .available)
    try fields.encode(testMode, forKey: .testMode)
    try fields.encode(age.map { $0.seconds.rounded(to: 10) }, forKey: .age)
    try fields.encode(readAt?.rfc3339, forKey: .readAt)
    try fields.encode(readings, forKey: .readings)
    try fields.encode(rawSign, forKey: .rawSign)
    try fields.encode(implausible, forKey: .implausible)
    try fields.encode(derived, forKey: .derived)
    try fields.encode(failure, forKey: .failure)
    try fields.encode(successRate.map { $0.rounded(to: 10_000) }, forKey: .successRate)
    try fields.encode(availability.map { $0.rounded(to: 10_000) }, forKey: .availability)
    try fields.encode(connectMs, forKey: .connectMs)
    try fields.encode(connectMsMean.map { $0.rounded(to: 10) }, forKey: .connectMsMean)
    try fields.encode(pollMs, forKey: .pollMs)
    try fields.encode(consecutiveFailures, forKey: .consecutiveFailures)
    try fields.encode(deadline.seconds, forKey: .deadline)
    try fields.encode(interval?.seconds, forKey: .interval)
    try fields.encode(rssi, forKey: .rssi)
    try fields.encode(link, forKey: .link)
  }
}
