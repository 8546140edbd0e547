package import Readings

/// The settings that policy needs, checked already by whoever read them.
package struct GatewayConfig: Equatable, Sendable {
  package var name: String
  package var interval: Duration
  package var timeout: TimeoutScale
  /// What `timeout: auto` means.
  package var growingTimeout = TimeoutScale.automatic
  /// Connection tries within one poll.
  package var attempts: Int
  /// The pause before the second try; it doubles.
  package var retryDelay: Duration
  package var cacheFor: Duration
  package var grace: Duration
  /// Where to keep what survives a restart; `nil`: the system's usual place.
  package var stateDirectory: String?
  /// What carries polls, where a device does not say.
  package var link: LinkChoice
  package var settings: PolicySettings
  /// A log of everything, and transcripts of the last polls.
  package var diagnostics = false
  package var devices: [DeviceConfig]

  package init(
    name: String, interval: Duration = .seconds(30), timeout: TimeoutScale = .automatic, attempts: Int = 2,
    retryDelay: Duration = .seconds(2), cacheFor: Duration = .seconds(300), grace: Duration = .seconds(600),
    link: LinkChoice = .auto, settings: PolicySettings = PolicySettings(), devices: [DeviceConfig]
  ) {
    self.name = name
    self.interval = interval
    self.timeout = timeout
    self.attempts = attempts
    self.retryDelay = retryDelay
    self.cacheFor = cacheFor
    self.grace = grace
    self.link = link
    self.settings = settings
    self.devices = devices
  }

  /// The devices by their address, in the order of its first mention: one module, one connection. The module's interval is the
  /// smallest of its devices', its adapter, its advertised name and its link the first that one of them names.
  package var modules: [ModuleConfig] {
    var order: [Address] = []
    var members: [Address: [DeviceConfig]] = [:]
    for device in devices {
      if members[device.address] == nil { order.append(device.address) }
      members[device.address, default: []].append(device)
    }
    return order.map { address in
      let devices = members[address] ?? []
      return ModuleConfig(
        module: Module(
          address: address, adapter: devices.lazy.compactMap(\.adapter).first,
          name: devices.lazy.compactMap(\.advertised).first), devices: devices,
        interval: devices.map { $0.interval ?? interval }.min() ?? interval, timeout: timeout, attempts: attempts,
        retryDelay: retryDelay, cacheFor: cacheFor, grace: grace,
        link: devices.lazy.compactMap(\.link).first ?? link, settings: settings)
    }
  }
}

extension GatewayConfig {
  /// How long after the start the module at `index` is first polled: spread out, but nobody waits long for the first values.
  package static func firstPoll(_ index: Int, of count: Int, interval: Duration) -> Duration {
    min(interval / max(count, 1), .seconds(3)) * index
  }
}

/// One device: a profile and a Modbus unit behind a module.
package struct DeviceConfig: Equatable, Sendable {
  /// Instead of a profile's name: it is found out.
  package static let automatic = "auto"

  package var name: String
  package var address: Address
  package var profile: String
  package var unit: UInt8?
  /// As its module advertises itself; `nil`: as polls find out.
  package var advertised: String?
  /// `nil`: any.
  package var adapter: String?
  /// `nil`: the gateway's.
  package var link: LinkChoice?
  /// `nil`: the gateway's.
  package var interval: Duration?
  /// Simulated; said wherever the device is shown.
  package var testMode: Bool

  package init(
    name: String, address: Address, profile: String, unit: UInt8? = nil, advertised: String? = nil, adapter: String? = nil,
    link: LinkChoice? = nil, interval: Duration? = nil, testMode: Bool = false
  ) {
    self.name = name
    self.address = address
    self.profile = profile
    self.unit = unit
    self.advertised = advertised
    self.adapter = adapter
    self.link = link
    self.interval = interval
    self.testMode = testMode
  }
}

/// One BLE address with all devices behind it, and how it is polled.
package struct ModuleConfig: Equatable, Sendable {
  package var module: Module
  package var devices: [DeviceConfig]
  package var interval: Duration
  package var timeout: TimeoutScale
  package var attempts: Int
  package var retryDelay: Duration
  package var cacheFor: Duration
  package var grace: Duration
  package var link: LinkChoice
  package var settings: PolicySettings
}
