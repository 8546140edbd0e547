import DBus

// From a write on ffd1 to the notifications on fff1.

extension World {
  mutating func receive(_ request: [UInt8], on device: Device) {
    guard var module = modules[device.address], let link = device.link.id else { return }
    module.requests += 1
    let number = module.requests
    let strikes = module.strike(.request) { $0.concerns(request) }
    modules[device.address] = module
    note("request", ["address": .string(device.address), "n": .int(number), "hex": .string(Hex.text(request))])
    if strikes.contains(.dropLink) { return close(device.path, by: "drop") }
    if module.setup.replay != nil {
      guard !strikes.contains(.silent), replay(request, number: number, on: device, link) else {
        return noteSilence(device, number)
      }
      return
    }
    guard let unit = request.first, let (slave, id) = module.slave(for: unit),
      case .frame(var frame) = slave.answer(request, speaksAs: id, varied: module.setup.vary ? now : nil)
    else { return noteSilence(device, number) }
    var delay = module.setup.delays.reply
    for strike in strikes {
      switch strike {
      case .silent: return noteSilence(device, number)
      case .slow(let longer), .lateReply(let longer): delay = longer
      case .exception(let code): frame = ModbusSlave.exception(code, id: id, function: request[1])
      case .wrongID: frame = ModbusSlave.sealed([frame[0] ^ 0x01] + frame[1..<frame.count - 2])
      case .wrongCRC: frame[frame.count - 1] ^= 0xff
      case .truncated: frame = Array(frame.prefix(frame.count / 2))
      case .noise(let bytes): frame = bytes + frame
      default: break
      }
    }
    let unasked = Fault.unasked(strikes)
    if !unasked.isEmpty { set(.unasked(link: link, unasked), in: delay) }
    let pieces = module.fragments(frame)
    let fragments = strikes.contains(.twice) ? pieces.flatMap { [$0, $0] } : pieces
    set(.fragment(link: link, device: device.path, fragments: fragments, index: 0, request: number), in: delay)
  }

  private mutating func noteSilence(_ device: Device, _ number: Int) {
    note("silence", ["address": .string(device.address), "n": .int(number)])
  }

  /// The rest of a reply, or of what is pushed, goes with the link that it is for.
  mutating func deliver(_ fragments: [[UInt8]], from index: Int, request: Int?, link: Int, device path: String) {
    guard let device = devices[path], device.link.id == link, let module = modules[device.address] else { return }
    let notify = device.table?.talking?.path ?? ""
    let heard = device.subscribed.contains(notify)
    let heardBySocket = notifySession(of: link, nil)
    if index == 0, let request {
      note(
        "reply",
        [
          "address": .string(device.address), "n": .int(request), "fragments": .strings(fragments.map { Hex.text($0) }),
          "notified": .bool(heard || heardBySocket),
        ])
    }
    var index = index
    repeat {
      _ = notifySession(of: link, fragments[index])
      if heard {
        devices[path]?.values[notify] = fragments[index]
        changed("\(path)/\(notify)", Interface.characteristic, ["Value": .bytes(fragments[index])])
      }
      index += 1
    } while index < fragments.count && module.setup.delays.fragment == .zero
    guard index < fragments.count else { return }
    set(
      .fragment(link: link, device: path, fragments: fragments, index: index, request: request),
      in: module.setup.delays.fragment)
  }
}
