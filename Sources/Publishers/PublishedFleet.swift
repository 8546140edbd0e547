package import MQTT
package import Policy
package import Readings

/// The devices of a configuration, as they are known at a broker.
package struct PublishedFleet: Equatable, Sendable {
  package struct Device: Equatable, Sendable {
    package var name: String
    /// In topics: its name's words, which are no other device's.
    package var level: TopicLevel
    /// What it is known by for ever, whatever it is called: its module's address, and behind a hub its unit.
    package var id: TopicLevel
    package var address: Address
    package var unit: UInt8?
    /// As configured.
    package var profile: String
    package var testMode: Bool
    /// After the last readings nothing is shown.
    package var grace: Duration

    /// Whether that is of this device: another one may have had its name, in a configuration before or after.
    func isShown(by status: DeviceStatus) -> Bool {
      status.name == name && status.address == address && status.unit == unit && status.testMode == testMode
        && (status.profile == profile || profile == DeviceConfig.automatic)
    }
  }

  package var gateway: TopicLevel
  package var devices: [Device]

  package init(_ config: GatewayConfig) {
    gateway = GatewayTopics.level(config.name)
    var taken: Set<TopicLevel> = []
    devices = config.modules.flatMap { module in module.devices.map { ($0, module.grace(of: config)) } }.map { device, grace in
      let id = Self.id(of: device)
      let words = TopicLevel(wordsOf: device.name)
      // The first of two whose names have the same words keeps them.
      var choices = [words, words?.with(id), id].compactMap(\.self)
      while let level = choices.first, taken.contains(level) {
        choices.removeFirst()
        if choices.isEmpty { choices = [level.with(id)] }
      }
      let level = choices[0]
      taken.insert(level)
      return Device(
        name: device.name, level: level, id: id, address: device.address, unit: device.unit, profile: device.profile,
        testMode: device.testMode, grace: grace)
    }
  }

  private static func id(of device: DeviceConfig) -> TopicLevel {
    let address = device.address.text.lowercased().filter { $0 != ":" }
    let unit = device.unit.map { "_\($0)" } ?? ""
    // A simulated one is not the real one whose address it has.
    return GatewayTopics.level("\(address)\(unit)\(device.testMode ? "_test" : "")")
  }
}

extension ModuleConfig {
  fileprivate func grace(of config: GatewayConfig) -> Duration {
    Freshness.Limits(interval: interval, deadline: TimeoutScale.longest, cacheFor: cacheFor, grace: grace).grace
  }
}
