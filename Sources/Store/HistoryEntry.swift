package import Readings

/// What one poll came to for one device, as the history is told of it.
package struct HistoryEntry: Equatable, Sendable {
  /// Which device: another address or unit is another one, whatever its name.
  package struct Device: Hashable, Sendable {
    package var name: String
    package var address: String
    /// As configured.
    package var unit: UInt8?
    package var isSimulated: Bool

    package init(name: String, address: String, unit: UInt8?, isSimulated: Bool) {
      self.name = name
      self.address = address
      self.unit = unit
      self.isSimulated = isSimulated
    }
  }

  package var device: Device
  /// When it was read, or when the poll that failed ended. What that is by the wall clock is reckoned when it is written: the clock
  /// may have been set right by then.
  package var at: ContinuousClock.Instant
  /// `nil`: it gave readings.
  package var failure: HistoryFailure?
  /// Launch to connected.
  package var connectMs: Int64?
  /// Launch to end.
  package var pollMs: Int64
  /// What the poll was given.
  package var deadline: Duration
  package var readings: [String: Reading]
  /// Of those, the keys that were computed from others of the same poll.
  package var derived: Set<String>
  /// Of those, the keys with the register's own sign, because this model's convention is not known.
  package var rawSign: Set<String>

  package init(
    device: Device, at: ContinuousClock.Instant, failure: HistoryFailure? = nil, connectMs: Int64? = nil, pollMs: Int64,
    deadline: Duration, readings: [String: Reading] = [:], derived: Set<String> = [], rawSign: Set<String> = []
  ) {
    self.device = device
    self.at = at
    self.failure = failure
    self.connectMs = connectMs
    self.pollMs = pollMs
    self.deadline = deadline
    self.readings = readings
    self.derived = derived
    self.rawSign = rawSign
  }
}

/// Why a poll gave no readings of a device, in the words of `Failure` and `Stage`. A file may hold those of another release.
package struct HistoryFailure: Hashable, Sendable {
  package var name: String
  package var stage: String

  package init(name: String, stage: String) {
    self.name = name
    self.stage = stage
  }
}

/// The host's clocks at one moment.
package struct HistoryClock: Equatable, Sendable {
  package var instant: ContinuousClock.Instant
  /// Milliseconds since 1970.
  package var wallMs: Int64
  /// Whether the kernel says that its wall clock is right.
  package var isSynchronised: Bool

  package init(instant: ContinuousClock.Instant, wallMs: Int64, isSynchronised: Bool) {
    self.instant = instant
    self.wallMs = wallMs
    self.isSynchronised = isSynchronised
  }

  /// By this clock, in milliseconds since 1970.
  func wallMs(of moment: ContinuousClock.Instant) -> Int64 { wallMs + (moment - instant).milliseconds }
}
