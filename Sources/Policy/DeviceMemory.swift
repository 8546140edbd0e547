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
  /// Connected, but it did not answer last time: it comes last.
  package private(set) var wasSilent = false
  private var skips: [String: Instant] = [:]

  package init() {}

  package mutating func learn(_ answer: PollOutcome.Answer?, notes: BlockNotes?, at now: Instant) {
    switch answer {
    case .readings(let readings):
      model = readings.model ?? model
      unit = readings.unit == 0 ? nil : readings.unit
      wasSilent = false
    case .failed(let report) where report.failure == .silent:
      // It may have been replaced by one with another id: the next poll looks for it as the first did.
      (unit, wasSilent) = (nil, true)
    case .failed, nil: break
    }
    skips = skips.filter { $0.value > now }
    let blocks = (notes?.unsupported ?? []) + (notes?.silent ?? [])
    for block in blocks where skips.count < Self.maxSkips && block.utf8.count <= Self.maxBlockBytes {
      skips[block] = now + Self.skipFor
    }
  }

  package func request(_ device: DeviceConfig, at now: Instant) -> DeviceRequest {
    DeviceRequest(
      name: device.name, profile: device.profile, unit: device.unit ?? unit, model: model,
      skip: skips.filter { $0.value > now }.keys.sorted())
  }
}
