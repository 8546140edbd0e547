import DBus

// Discovery is a session per client. Device objects come from what is heard while one lasts.

extension World {
  mutating func answerAdapter(_ call: Message, _ index: Int) {
    let client = call.sender ?? ""
    switch (call.member, call.body.map(\.typeSignature).joined()) {
    case ("StartDiscovery", ""):
      guard adapters[index].powered else { return refuse(call, .notReady) }
      guard !adapters[index].discovering.contains(client) else { return refuse(call, .inProgress) }
      // A fault of any module's: it is bluetoothd's own object that is asked.
      let strikes = modules.keys.sorted().flatMap { modules[$0]?.strike(.discovery) ?? [] }
      if strikes.contains(.discoveryRefused) { return refuse(call, .inProgress) }
      if adapters[index].discovering.isEmpty { adapters[index].isDeaf = strikes.contains(.discoversNobody) }
      startDiscovery(of: client, on: index)
      reply(call)
    case ("StopDiscovery", ""):
      guard adapters[index].powered else { return refuse(call, .notReady) }
      guard adapters[index].discovering.contains(client) else { return refuse(call, .failed("No discovery started")) }
      endDiscovery(of: client, on: index)
      reply(call)
    case ("SetDiscoveryFilter", "a{sv}"):
      guard adapters[index].powered else { return refuse(call, .notReady) }
      let known: Set = ["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"]
      guard let filter = call.body.first?.asDictionary, known.isSuperset(of: filter.keys) else {
        return refuse(call, .invalidArguments)
      }
      // Filters of several clients are merged, so everybody hears more than they asked for: they are not applied here.
      reply(call)
    case ("GetDiscoveryFilters", ""): reply(call, [.strings(["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData"])])
    case ("RemoveDevice", "o"):
      guard adapters[index].powered else { return refuse(call, .notReady) }
      let path = call.body.first?.asString ?? ""
      guard let device = devices[path], device.adapter == adapters[index].name else { return refuse(call, .doesNotExist) }
      note("remove_device", ["address": .string(device.address), "client": .string(client)])
      modules[device.address]?.wasRemoved = true
      remove(path, by: "remove")
      reply(call)
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  private mutating func startDiscovery(of client: String, on index: Int) {
    adapters[index].discovering.append(client)
    let adapter = adapters[index]
    note("discovery_started", ["adapter": .string(adapter.name), "client": .string(client)])
    guard adapter.discovering.count == 1 else { return }
    changed(adapter.path, Interface.adapter, ["Discovering": .bool(true)])
    for address in modules.keys.sorted() { expectAdvertisement(address) }
  }

  mutating func endDiscovery(of client: String, on index: Int) {
    guard let session = adapters[index].discovering.firstIndex(of: client) else { return }
    adapters[index].discovering.remove(at: session)
    let adapter = adapters[index]
    note("discovery_stopped", ["adapter": .string(adapter.name), "client": .string(client)])
    guard adapter.discovering.isEmpty else { return }
    for path in devices.keys.sorted() where devices[path]?.adapter == adapter.name && devices[path]?.heardNow == true {
      devices[path]?.heardNow = false
      changed(path, Interface.device, [:], gone: ["RSSI"])
    }
    changed(adapter.path, Interface.adapter, ["Discovering": .bool(false)])
  }

  private mutating func expectAdvertisement(_ address: String) {
    guard let module = modules[address], !module.advertisementIsDue, listeners(module).isEmpty == false else { return }
    modules[address]?.advertisementIsDue = true
    // What a stopped or suspended machine slept through was not heard, and is not caught up with.
    set(.advertise(module: address), in: max(module.setup.delays.advertise, horizon - now))
  }

  private func listeners(_ module: Module) -> [Adapter] {
    adapters.filter { $0.powered && !$0.discovering.isEmpty && !$0.isDeaf && module.setup.adapters.contains($0.name) }
  }

  mutating func advertise(_ address: String) {
    modules[address]?.advertisementIsDue = false
    guard let module = modules[address] else { return }
    if module.isAdvertising { for adapter in listeners(module) { hear(address, on: adapter.name, rssi: module.setup.rssi) } }
    expectAdvertisement(address)
  }

  private mutating func hear(_ address: String, on adapter: String, rssi: Int16) {
    let path = Device.path(address, on: adapter)
    if devices[path] == nil {
      list(address, on: adapter, temporary: true)
    } else {
      devices[path]?.lastHeard = now
      devices[path]?.heardNow = true
      changed(path, Interface.device, ["RSSI": .int16(rssi)])
    }
  }

  /// bluetoothd lists a device.
  mutating func list(_ address: String, on adapter: String, temporary: Bool) {
    let device = Device(
      address: address, adapter: adapter, listing: nextID(), temporary: temporary, lastHeard: now, heardNow: temporary)
    devices[device.path] = device
    announce(device.path)
    note("device_listed", ["adapter": .string(adapter), "address": .string(address)])
    set(.forget(device: device.path, listing: device.listing), in: setup.forget)
  }

  /// Idle devices go: a temporary one when it has not been heard for a while, one that was connected to when its module has been
  /// off the air for a while. (Real BlueZ was seen to drop the latter; how long it takes was not measured.)
  mutating func considerForgetting(_ path: String, _ listing: Int) {
    guard let device = devices[path], device.listing == listing, let module = modules[device.address] else { return }
    let last = device.temporary ? device.lastHeard : module.offAirSince ?? now
    var wait = last + setup.forget - now
    if case .none = device.link {} else { wait = setup.forget }
    if wait <= .zero {
      remove(path, by: "forgotten")
    } else {
      set(.forget(device: path, listing: listing), in: wait)
    }
  }
}
