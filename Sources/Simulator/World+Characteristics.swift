import DBus

extension World {
  mutating func answerCharacteristic(_ call: Message, _ characteristic: GattTable.Characteristic, on path: String) {
    guard let device = devices[path] else { return }
    switch (call.member, call.body.map(\.typeSignature).joined()) {
    case ("WriteValue", "aya{sv}"):
      guard characteristic.canWrite else { return refuse(call, .notSupported) }
      guard device.resolved, device.isConnected else { return refuse(call, .notConnected) }
      let bytes = call.body.first?.asBytes ?? []
      guard bytes.count <= (modules[device.address]?.setup.mtu ?? 23) - 3 else {
        return refuse(call, .failed("Failed to initiate write"))
      }
      reply(call)
      if characteristic.uuid == GattTable.write { receive(bytes, on: device) }
    case ("ReadValue", "a{sv}"):
      guard characteristic.canRead else { return refuse(call, .notSupported) }
      guard device.resolved, device.isConnected else { return refuse(call, .notConnected) }
      reply(call, [.bytes(device.values[characteristic.path] ?? [0])])
    case ("StartNotify", ""): startNotify(call, characteristic, device)
    case ("StopNotify", ""):
      guard device.notifying[characteristic.path]?.contains(call.sender ?? "") == true else {
        return refuse(call, .failed("No notify session started"))
      }
      endNotifying(of: call.sender ?? "", on: path, characteristic.path)
      reply(call)
    case ("AcquireNotify", "a{sv}"), ("AcquireWrite", "a{sv}"): refuse(call, .notSupported)
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  /// Says yes without a link, too: BlueZ subscribes when there is one.
  private mutating func startNotify(_ call: Message, _ characteristic: GattTable.Characteristic, _ device: Device) {
    let client = call.sender ?? ""
    guard characteristic.canNotify else { return refuse(call, .notSupported) }
    guard device.notifying[characteristic.path]?.contains(client) != true else { return reply(call) }
    let strike = modules[device.address]?.strike(.notify).first
    switch strike {
    case .notifyTaken: return refuse(call, Refusal("org.bluez.Error.NotPermitted", "Notify acquired"))
    case .notifyRefused: return refuse(call, .failed("Operation failed with ATT error: 0x0e"))
    case .needsPairing:
      // bluetoothd tries to pair, is refused, and drops the link.
      refuse(call, .failed("Operation failed with ATT error: 0x0e"))
      return close(device.path, by: "drop")
    default: break
    }
    // Ok, and nothing comes of it: as when the subscription itself is refused later.
    if strike == .notifyIgnored { return reply(call) }
    devices[device.path]?.notifying[characteristic.path, default: []].append(client)
    note("notify_on", ["address": .string(device.address), "uuid": .string(characteristic.uuid), "client": .string(client)])
    if device.resolved { subscribe(characteristic.path, on: device.path) }
    reply(call)
    if strike == .dropOnSubscribe { close(device.path, by: "drop") }
  }

  mutating func subscribe(_ characteristic: String, on path: String) {
    guard devices[path]?.subscribed.insert(characteristic).inserted == true else { return }
    changed("\(path)/\(characteristic)", Interface.characteristic, ["Notifying": .bool(true)])
  }

  /// Of one characteristic, or of all.
  mutating func endNotifying(of client: String, on path: String, _ only: String? = nil) {
    guard let device = devices[path] else { return }
    for (characteristic, clients) in device.notifying.sorted(by: { $0.key < $1.key })
    where only ?? characteristic == characteristic {
      guard let session = clients.firstIndex(of: client) else { continue }
      devices[path]?.notifying[characteristic]?.remove(at: session)
      let uuid = device.table?.characteristics.first { $0.path == characteristic }?.uuid ?? ""
      note("notify_off", ["address": .string(device.address), "uuid": .string(uuid), "client": .string(client)])
      guard clients.count == 1 else { continue }
      devices[path]?.notifying[characteristic] = nil
      if devices[path]?.subscribed.remove(characteristic) != nil {
        changed("\(path)/\(characteristic)", Interface.characteristic, ["Notifying": .bool(false)])
      }
    }
  }
}
