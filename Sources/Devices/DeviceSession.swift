package import Readings

/// Reads one device, whatever it is: finds that out first where its profile is `auto`.
package struct DeviceSession<L: Link> {
  private let request: DeviceRequest
  private let name: String?
  private let gatt: ModuleGATT
  private let link: L
  private let deadline: ContinuousClock.Instant
  private let share: ContinuousClock.Instant
  private let seen: SeenReplies

  /// - Parameters:
  ///   - name: as the module advertises itself, where known.
  ///   - gatt: what carries its bytes. Only a shunt has its own.
  ///   - seen: by all devices behind the module.
  package init(
    _ request: DeviceRequest, name: String?, gatt: ModuleGATT = .serialLine, link: L, deadline: ContinuousClock.Instant,
    share: ContinuousClock.Instant? = nil, seen: SeenReplies = SeenReplies()
  ) {
    self.request = request
    self.seen = seen
    self.name = name
    self.gatt = gatt
    self.link = link
    self.deadline = deadline
    self.share = share ?? deadline
  }

  package func run() throws -> DevicePoll<L>.Outcome {
    if let profile = Profile.named(request.profile) { return try poll(request, as: profile, nil) }
    if let identity = request.identity, let profile = Profile.named(identity.profile) {
      return try poll(request, as: profile, identity.confidence)
    }
    if gatt == .shunt {
      guard request.unit == nil else {
        return outcome(
          .failure(
            FailureReport(
              .wrongProfile, at: .read,
              "\(request.name): behind this module is a \(Profile.shunt300.name), which has no units; one entry without `unit` is it."
            )))
      }
      return try poll(request, as: .shunt300, name.map(AdvertisedName.init)?.profile == nil ? .model : .name)
    }
    switch try Identification(link: link, deadline: deadline, seen: seen).identify(request.name, unit: request.unit, name: name) {
    case .failed(let report): return outcome(.failure(report))
    case .found(let found):
      guard let profile = Profile.named(found.profile) else {
        return outcome(.failure(FailureReport(.wrongProfile, at: .read, "\(request.name): it is no device of a known profile.")))
      }
      var request = request
      if found.unit > 0 { request.unit = found.unit }
      request.model = found.model ?? request.model
      var polled = try poll(request, as: profile, found.confidence)
      // What was a guess by its registers alone has said its model since.
      if found.confidence == .guess, found.profile == Profile.inverter.name {
        polled.result = polled.result.map { readings in
          var readings = readings
          if readings.model != nil { readings.confidence = .model }
          return readings
        }
      }
      return polled
    }
  }

  private func poll(
    _ request: DeviceRequest, as profile: Profile, _ confidence: Confidence?
  ) throws -> DevicePoll<L>.Outcome {
    guard profile.gatt == .serialLine else {
      return outcome(
        try PushedPoll(request, profile: profile, link: link, deadline: deadline).run().map { readings in
          var readings = readings
          readings.confidence = confidence
          return readings
        })
    }
    return try DevicePoll(
      request, profile: profile, name: name, confidence: confidence, link: link, deadline: deadline, share: share,
      seen: seen
    ).run()
  }

  private func outcome(_ result: Result<DeviceReadings, FailureReport>) -> DevicePoll<L>.Outcome {
    DevicePoll<L>.Outcome(result: result, notes: BlockNotes(), broken: nil)
  }
}
