/// A radio with its one link, and the devices behind it.
struct Module: Sendable {
  let setup: Setup.Module
  var switchedOn: Bool
  var faults: [Fault]
  /// Whoever has the link: a device object's path.
  var linkedTo: String?
  /// Since when it has neither advertised nor been linked.
  var offAirSince: Duration?
  var requests = 0
  /// bluetoothd was made to forget it once.
  var wasRemoved = false
  /// Of a shunt: the listening that it pushes for, and how many frames it has pushed.
  var pushing: Int?
  var pushed = 0
  /// How often each request of a transcript was asked.
  var replayed: [[UInt8]: Int] = [:]
  /// An advertisement is on the agenda.
  var advertisementIsDue = false

  init(_ setup: Setup.Module) {
    self.setup = setup
    switchedOn = setup.advertising
    faults = setup.faults
  }

  var isLinked: Bool { linkedTo != nil }

  var reconnects: Bool { faults.contains { $0.kind == .reconnects } }

  var isAdvertising: Bool { switchedOn && !isLinked && !faults.contains { $0.kind == .notAdvertising } }

  /// The faults that spoil this occasion; each of its kind has counted it.
  mutating func strike(_ occasion: Fault.Occasion, _ concerns: (Fault) -> Bool = { _ in true }) -> [Fault.Kind] {
    var struck: [Fault.Kind] = []
    for index in faults.indices where faults[index].occasion == occasion && concerns(faults[index]) {
      if faults[index].strikes() { struck.append(faults[index].kind) }
    }
    return struck
  }

  /// As notifications carry it.
  func fragments(_ frame: [UInt8]) -> [[UInt8]] {
    let size = setup.mtu - 3
    return stride(from: 0, to: frame.count, by: size).map { Array(frame[$0..<min($0 + size, frame.count)]) }
  }

  /// The slave that a request is for, and the id in its answer. At 255 only a lone device answers.
  func slave(for unit: UInt8) -> (ModbusSlave, id: UInt8)? {
    if unit == 255 {
      guard setup.devices.count == 1, let only = setup.devices.first else { return nil }
      return (ModbusSlave(unit: only.unit, registers: only.registers), setup.answers255As ?? only.unit)
    }
    guard let device = setup.devices.first(where: { $0.unit == unit }) else { return nil }
    return (ModbusSlave(unit: device.unit, registers: device.registers), unit)
  }
}
