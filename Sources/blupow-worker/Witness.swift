import ATT
import BlueZ
import DBus
import Devices
import Readings

/// What bluetoothd knows and a link of the kernel's cannot: asked only where that matters, and nothing depends on an answer. A poll
/// whose module's address type is known, and that connects promptly, never opens the bus.
final class Witness {
  private let module: Module
  private let radio: Radio
  /// It did not answer once; it is not waited for again.
  private var isMute = false
  private var hasToldOfDiscovery = false
  /// The adapter that the poll goes by, where it is known.
  var adapter: String?

  /// A question is not worth more: bluetoothd lists its objects within some 10 ms.
  static let patience = Duration.seconds(1)

  /// Somebody's link, or attempt at one, that is in the way of ours.
  enum Standing {
    /// bluetoothd cannot be asked.
    case unknown
    /// bluetoothd does not know the module: whatever is in the way is not bluetoothd's.
    case unlisted
    case listed(ModuleLink)
  }

  init(of module: Module, radio: Radio) {
    self.module = module
    self.radio = radio
  }

  /// As which bluetoothd lists the module's address, and under which adapter. The kernel alone would take the first adapter that is
  /// on, whether it hears the module or not.
  func listing() throws -> Learned? {
    guard let bus = try bus(), let path = listed(on: bus) else { return nil }
    let type = bus.tree.property(path, ObjectTree.device, "AddressType")?.asString.flatMap { AddressType(rawValue: $0) }
    let adapter = adapters(of: bus).first { path.hasPrefix($0.path + "/") }
    let name = bus.tree.property(path, ObjectTree.device, "Name")?.asString.flatMap(AdvertisedName.fit)
    return Learned(addressType: type, adapter: module.adapter == nil ? adapter?.name : nil, name: name)
  }

  func standing() throws -> Standing {
    guard let bus = try bus() else { return .unknown }
    guard let path = listed(on: bus) else { return .unlisted }
    return .listed(ModuleLink(bus, to: module.address, at: path))
  }

  /// A discovery on an adapter that the module may be reached by: while one runs the kernel does not look for the module itself, but
  /// connects once the discovery has heard it. That is worth all the time that is not needed for reading.
  func holdup() throws -> Holdup? {
    guard let bus = try bus() else { return nil }
    func isDiscovering(_ adapter: Adapter) -> Bool {
      bus.tree.property(adapter.path, ObjectTree.adapter, "Discovering")?.asBool == true
    }
    guard let adapter = adapters(of: bus).first(where: isDiscovering) else { return nil }
    let reason = "Another program keeps a discovery running on \(adapter.name), which may keep the kernel from connecting"
    if !hasToldOfDiscovery { radio.reporter.log("\(reason): waiting longer") }
    hasToldOfDiscovery = true
    return Holdup(
      "\(reason): end it (`scan off` in a bluetoothctl that was left open), or set `link: bluez`.",
      until: radio.budget.work - radio.budget.reading)
  }

  private func adapters(of bus: BlueZBus) -> [Adapter] { bus.powered(named: module.adapter ?? adapter) }

  /// The module's object: one that is connected before one that is only known.
  private func listed(on bus: BlueZBus) -> String? {
    let paths = adapters(of: bus).map { $0.path(of: module.address) }.filter { bus.tree.objects[$0] != nil }
    return paths.first { bus.tree.property($0, ObjectTree.device, "Connected")?.asBool == true } ?? paths.first
  }

  /// `nil` where the bus or bluetoothd are missing, refuse or are silent. Whoever stopped bluetoothd did so on purpose: it is not
  /// started for a question.
  func bus() throws -> BlueZBus? {
    guard !isMute else { return nil }
    // Nor than a small part of the time that is left.
    let now = ContinuousClock.now
    let limit = now + min(Self.patience, max(.zero, radio.budget.work - now) / 4)
    do {
      let bus = try BlueZBus(address: radio.busAddress, stop: radio.stop, limit: limit)
      try bus.open(until: limit, startsDaemon: false)
      return bus
    } catch let report as FailureReport {
      isMute = true
      radio.reporter.log("bluetoothd was not asked: \(report.message)")
      return nil
    }
  }
}
