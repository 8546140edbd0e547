package import FoundationEssentials
package import Readings

/// One device as people and programs see it.
package struct DeviceStatus: Equatable, Sendable {
  package var name: String
  package var address: Address
  /// The Modbus unit that is configured; `nil`: the profile's.
  package var unit: UInt8?
  /// The one that it was read by; `auto` where it is to be found out, and was not yet.
  package var profile: String
  /// How the profile was found out; `nil` where it is configured.
  package var confidence: Confidence?
  package var model: String?
  package var status: Freshness.Status
  package var available: Bool
  package var testMode: Bool
  /// Of the last real readings.
  package var age: Duration?
  /// By the wall clock, for people.
  package var readAt: Date?
  /// Empty where nothing may be shown.
  package var readings: [String: Reading]
  /// Keys of readings that keep the register's own sign: which way is charging is not known of this model.
  package var rawSign: [String]
  /// Keys that had a value which cannot be, and so have none.
  package var implausible: [String]
  /// Keys of readings that were computed from others of the same poll.
  package var derived: [String]
  /// Of the last poll; `nil` after a success.
  package var failure: FailureReport?
  /// 0...1.
  package var successRate: Double?
  /// 0...1.
  package var availability: Double?
  package var connectMs: Int64?
  package var connectMsMean: Double?
  package var pollMs: Int64?
  package var consecutiveFailures: Int
  /// Of the next poll.
  package var deadline: Duration
  /// From poll to poll of its module, as configured; `nil`: of an earlier release, which does not say.
  package var interval: Duration?
  /// dBm, where the last poll scanned.
  package var rssi: Int?
  /// What carried the last poll, where it came so far.
  package var link: LinkKind?

  package init(
    name: String, address: Address, unit: UInt8? = nil, profile: String, confidence: Confidence? = nil, model: String?,
    status: Freshness.Status,
    available: Bool, testMode: Bool, age: Duration?, readAt: Date?, readings: [String: Reading], rawSign: [String] = [],
    implausible: [String] = [], derived: [String] = [], failure: FailureReport?, successRate: Double?,
    availability: Double?, connectMs: Int64?, connectMsMean: Double?, pollMs: Int64?, consecutiveFailures: Int,
    deadline: Duration, interval: Duration? = nil, rssi: Int?, link: LinkKind? = nil
  ) {
    self.name = name
    self.address = address
    self.unit = unit
    self.profile = profile
    self.confidence = confidence
    self.model = model
    self.status = status
    self.available = available
    self.testMode = testMode
    self.age = age
    self.readAt = readAt
    self.readings = readings
    self.rawSign = rawSign
    self.implausible = implausible
    self.derived = derived
    self.failure = failure
    self.successRate = successRate
    self.availability = availability
    self.connectMs = connectMs
    self.connectMsMean = connectMsMean
    self.pollMs = pollMs
    self.consecutiveFailures = consecutiveFailures
    self.deadline = deadline
    self.interval = interval
    self.rssi = rssi
    self.link = link
  }
}
