/// What `blupow doctor` looks at, in this order.
enum Check: String, CaseIterable, Codable, Sendable {
  case config, worker, limits, clock, bus, bluetoothd, bluez, adapter, service, scan, device, broker, state

  /// What has to be well before this can be asked.
  ///
  /// - Parameter isBesideService: a service runs and answers: it is asked what it knows.
  func needs(isBesideService: Bool) -> [Check] {
    switch self {
    case .config, .worker, .limits, .clock, .bluez, .service: []
    case .bus: [.worker]
    case .bluetoothd: [.bus]
    case .adapter: [.bluetoothd]
    case .scan: isBesideService ? [] : [.adapter, .service]
    case .device: isBesideService ? [.adapter] : [.config, .adapter, .service, .scan]
    case .broker, .state: isBesideService ? [] : [.config]
    }
  }
}
