package import Readings

/// What earlier polls taught about one device, for its next request.
package struct DeviceMemory: Equatable, Sendable {
  /// How long an optional block that is unsupported or silent is not asked for.
  package static let skipFor = Duration.seconds(86_400)
  /// More than any profile has; what a worker says beyond is not kept.
  package static let maxSkips = 64
  /// `65535/125` is the longest that is one.
  package static let maxBlockBytes = 9

  package private(set) var model: String?
  package private(set) var unit: UInt8?
  /// What a device whose profile is `auto` was found to be.
  package private(set) var identity: Identity?
  /// Connected, but it did not answer last time: it comes last.
  package private(set) var wasSilent = false
  private var skips: [String: Instant] = [:]
  /// The profile that it was last read by, also where that is doubted meanwhile.
  private var kind: String?

  package init() {}

  package mutating func learn(_ answer: PollOutcome.Answer?, notes: BlockNotes?, at now: Instant) {
    switch answer {
    case .readings(let readings):
      note(readings)
      unit = readings.unit == 0 ? nil : readings.unit
      wasSilent = false
    case .failed(let report):
      // It may have been replaced by one with another id: the next poll looks for it as the first did.
      if report.failure == .silent { (unit, wasSilent) = (nil, true) }
      // Nobody had time for it: its turn is before those that do not answer.
      if report.failure == .outOfTime { wasSilent = false }
      if report.failure.mayContradictIdentity { identity = nil }
    case nil: break
    }
    skips = skips.filter { $0.value > now }
    let blocks = (notes?.unsupported ?? []) + (notes?.silent ?? [])
    for block in blocks where skips.count < Self.maxSkips && block.utf8.count <= Self.maxBlockBytes {
      skips[block] = now + Self.skipFor
    }
  }

  /// Another model may have the blocks that the last one had not.
  private mutating func note(_ readings: DeviceReadings) {
    let isOtherKind = kind.map { $0 != readings.profile } ?? false
    let isOtherModel = if let model, let read = readings.model { model != read } else { false }
    if isOtherKind || isOtherModel { skips = [:] }
    model = readings.model ?? (isOtherKind ? nil : model)
    identity = readings.confidence.map { Identity(profile: readings.profile, confidence: $0) }
    kind = readings.profile
  }

  package func request(_ device: DeviceConfig, at now: Instant) -> DeviceRequest {
    DeviceRequest(
      name: device.name, profile: device.profile, unit: device.unit ?? unit, model: model,
      skip: skips.filter { $0.value > now }.keys.sorted(), identity: device.profile == DeviceConfig.automatic ? identity : nil)
  }
}

extension Failure {
  /// It may be another device than the one that was identified.
  fileprivate var mayContradictIdentity: Bool {
    switch self {
    // An identity that this worker has no profile for was found by another release.
    case .silent, .modbusException, .wrongProfile, .profileUnknown: true
    default: false
    }
  }
}

extension DeviceMemory {
  /// What a later process needs of it.
  package struct Keepsake: Equatable, Sendable, Codable {
    var model: String?
    var unit: UInt8?
    var identity: Identity?
    var wasSilent: Bool
    /// Until when each block is not asked for.
    var skips: [String: Timestamp]

    private enum CodingKeys: String, CodingKey {
      case model, unit, identity, skips
      case wasSilent = "was_silent"
    }
  }

  package func keepsake(_ clock: ClockReading) -> Keepsake {
    Keepsake(
      model: model, unit: unit, identity: identity, wasSilent: wasSilent, skips: skips.mapValues { clock.stamp(of: $0) })
  }

  /// Blocks are asked for again where nobody knows how long they were not, and a model that no wire could carry is none.
  package init(_ keepsake: Keepsake, clock: ClockReading) {
    model = keepsake.model.flatMap { $0.utf8.count <= Wire.maxNameBytes ? $0 : nil }
    unit = keepsake.unit == 0 ? nil : keepsake.unit
    identity = keepsake.identity.flatMap { $0.profile.utf8.count <= Wire.maxNameBytes ? $0 : nil }
    kind = identity?.profile
    wasSilent = keepsake.wasSilent
    for (block, until) in keepsake.skips.sorted(by: { $0.key < $1.key })
    where skips.count < Self.maxSkips && block.utf8.count <= Self.maxBlockBytes {
      guard let until = clock.instant(of: until), until > clock.instant else { continue }
      skips[block] = min(until, clock.instant + Self.skipFor)
    }
  }
}
