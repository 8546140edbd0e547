// What a shunt pushes while somebody listens.

extension World {
  /// What follows for shunts from any change: pushing begins and ends with the listening.
  mutating func settlePushes() {
    for address in modules.keys.sorted() {
      guard let module = modules[address], module.setup.pushes else { continue }
      if !isListenedTo(module) {
        modules[address]?.pushing = nil
      } else if module.pushing == nil {
        let pushing = nextID()
        modules[address]?.pushing = pushing
        set(
          .push(module: address, pushing: pushing),
          in: module.setup.replay?.pause(before: module.pushed + 1) ?? module.setup.delays.push)
      }
    }
  }

  private func isListenedTo(_ module: Module) -> Bool {
    guard let path = module.linkedTo, let device = devices[path], let link = device.link.id, device.resolved,
      let notify = device.table?.talking
    else { return false }
    return device.subscribed.contains(notify.path) || sessions.values.contains { $0.progress == .up(link) && $0.notifying }
  }

  mutating func push(_ address: String, _ pushing: Int) {
    if modules[address]?.setup.replay != nil { return pushRecorded(address, pushing) }
    guard let module = modules[address], module.pushing == pushing, let shunt = module.setup.shunt, let path = module.linkedTo,
      let link = devices[path]?.link.id
    else { return }
    let number = module.pushed + 1
    modules[address]?.pushed = number
    let strikes = modules[address]?.strike(.request) ?? []
    if strikes.contains(.dropLink) { return close(path, by: "drop") }
    let fragments = module.fragments(Self.spoilt(shunt.frame(number, varied: module.setup.vary ? now : nil), by: strikes))
    if !strikes.contains(.silent) {
      note("pushed", ["address": .string(address), "n": .int(number), "fragments": .strings(fragments.map { Hex.text($0) })])
      deliver(fragments, from: 0, request: nil, link: link, device: path)
    }
    // Not before this one's last piece; what a suspended machine slept through is not caught up with.
    let delays = module.setup.delays
    set(.push(module: address, pushing: pushing), in: max(delays.push, delays.fragment * fragments.count, horizon - now))
  }

  /// A push is an occasion as a request is. What stands for a checksum are the frame's tags.
  private static func spoilt(_ frame: [UInt8], by strikes: [Fault.Kind]) -> [UInt8] {
    var frame = frame
    for strike in strikes {
      switch strike {
      case .truncated: frame = Array(frame.prefix(frame.count / 2))
      case .wrongCRC: frame[20] ^= 0xff
      case .noise(let bytes): frame = bytes + frame
      default: break
      }
    }
    return frame
  }
}
