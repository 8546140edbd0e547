// A module that is listened to only says what it has again and again, for as long as somebody listens.

extension World {
  /// Once a link.
  mutating func beginToPush(on link: Int, of path: String) {
    guard let device = devices[path], modules[device.address]?.setup.isPushing == true, pushes[link] == nil else { return }
    pushes[link] = 0
    push(on: link, of: path)
  }

  mutating func push(on link: Int, of path: String) {
    guard let device = devices[path], device.link.id == link, let module = modules[device.address], let count = pushes[link],
      let registers = module.setup.devices.first?.registers
    else { return }
    pushes[link] = count + 1
    modules[device.address]?.requests += 1
    let strikes = modules[device.address]?.strike(.request) ?? []
    set(.push(link: link, device: path), in: module.setup.delays.push)
    if strikes.contains(.dropLink) { return close(path, by: "drop") }
    guard !strikes.contains(.silent) else { return }
    var frame = registers.pushed(count, varied: module.setup.vary ? now : nil)
    for strike in strikes {
      switch strike {
      case .truncated: frame = Array(frame.prefix(frame.count / 2))
      // It has no checksum: what stands for one are its tags.
      case .wrongCRC: frame[20] ^= 0xff
      case .noise(let bytes): frame = bytes + frame
      default: break
      }
    }
    deliver(cut(frame, for: module), from: 0, request: count + 1, link: link, device: path)
  }

  /// In pieces that fit a notification.
  func cut(_ frame: [UInt8], for module: Module) -> [[UInt8]] {
    let size = module.setup.mtu - 3
    return stride(from: 0, to: frame.count, by: size).map { Array(frame[$0..<min($0 + size, frame.count)]) }
  }
}
