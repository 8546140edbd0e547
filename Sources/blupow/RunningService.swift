import Policy
import Publishers

/// A service that runs on this host already, asked for a poll in place of racing it.
struct RunningService {
  private let client: StatusClient
  private let devices: [DeviceConfig]

  /// `nil`: none runs, or it does not know each of these devices by name and address.
  init?(knowing devices: [DeviceConfig]) async {
    guard let places = try? SocketPath.toAsk() else { return nil }
    client = StatusClient(places)
    self.devices = devices
    guard let status = try? await client.status(), Self.pick(devices, from: status) != nil else { return nil }
  }

  /// One poll of them by the service. It takes turns: up to a minute each.
  func poll() async throws(ServiceTrouble) -> FleetStatus {
    let limit = Duration.seconds(max(120, 60 * Set(devices.map(\.address)).count))
    return try picked(await client.poll(devices: devices.map(\.name), within: limit))
  }

  /// What it knows of them now; no poll.
  func status() async throws(ServiceTrouble) -> FleetStatus { try picked(await client.status()) }

  private func picked(_ status: FleetStatus) throws(ServiceTrouble) -> FleetStatus {
    guard let own = Self.pick(devices, from: status) else {
      throw .declined(200, "it does not have all of these devices any more.")
    }
    return own
  }

  /// Those devices, in that order, and their modules' problems.
  static func pick(_ devices: [DeviceConfig], from status: FleetStatus) -> FleetStatus? {
    let found = devices.compactMap { device in
      status.devices.first { $0.name == device.name && $0.address == device.address }
    }
    guard found.count == devices.count else { return nil }
    let addresses = Set(devices.map(\.address))
    return FleetStatus(
      gateway: status.gateway, version: status.version, descriptors: status.descriptors, strays: status.strays,
      places: status.places, devices: found, problems: status.problems.filter { $0.address.map(addresses.contains) ?? true })
  }
}
