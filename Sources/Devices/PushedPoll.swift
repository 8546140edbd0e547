package import Readings

/// Reads a device that pushes what it has: the first whole frame that can be believed.
package struct PushedPoll<L: Link> {
  private let link: L
  private let request: DeviceRequest
  private let profile: Profile
  private let deadline: ContinuousClock.Instant
  /// Frames that are refused before the device is.
  private static var tries: Int { 3 }

  package init(_ request: DeviceRequest, profile: Profile, link: L, deadline: ContinuousClock.Instant) {
    self.link = link
    self.request = request
    self.profile = profile
    self.deadline = deadline
  }

  package func run() throws -> Result<DeviceReadings, FailureReport> {
    let end = min(deadline, .now + profile.replyTimeout)
    var stream = ShuntStream()
    var refused: [ShuntFrame.Fault] = []
    while refused.count < Self.tries, ContinuousClock.now < end, let chunk = try link.receive(until: end) {
      switch stream.append(chunk) {
      case .success(let frame): return readings(frame)
      case .failure(let fault): refused.append(fault)
      case nil: continue
      }
    }
    if let fault = refused.last {
      return .failure(
        FailureReport(.badFrames, at: .read, "\(request.name): \(refused.count) frames were refused, the last: \(fault)."))
    }
    return .failure(FailureReport(.silent, at: .read, "\(request.name): no frame of live values came."))
  }

  private func readings(_ frame: ShuntFrame) -> Result<DeviceReadings, FailureReport> {
    let decoding = frame.decode(profile)
    guard profile.required.contains(where: { decoding.readings[$0] != nil }) else {
      return .failure(
        FailureReport(
          .wrongProfile, at: .read, "\(request.name): what it pushes holds none of the values that this profile needs."))
    }
    return .success(
      DeviceReadings(
        device: request.name, profile: profile.name, unit: 0, model: nil, readings: decoding.readings,
        implausible: decoding.implausible, derived: decoding.derived))
  }
}
