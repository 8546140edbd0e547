import Devices
internal import Glibc

/// What a recorded module said, to say it again: to each request its own answers in their order, in the pieces in which they came.
package struct Replay: Equatable, Sendable {
  struct Chunk: Equatable, Sendable {
    /// Since the request, or since what was pushed before.
    var after: Duration
    var bytes: [UInt8]
  }

  /// By request. Of several answers the last one stays.
  private var answers: [[UInt8]: [[Chunk]]] = [:]
  /// Of a module that was asked nothing.
  private(set) var pushes: [Chunk] = []
  /// The smallest packet size that carries all of it.
  private(set) var mtu = 23

  /// - Parameters:
  ///   - reply: from a request to its answer, in place of the record's times.
  ///   - fragment: then, between pieces.
  ///   - push: between what is pushed, in place of the record's times.
  init(_ transcript: Transcript, reply: Duration?, fragment: Duration, push: Duration?) {
    let conversation = transcript.conversation
    for exchange in conversation.exchanges {
      let chunks = exchange.received.enumerated().map { index, line in
        Chunk(after: reply.map { $0 + fragment * index } ?? max(.zero, line.time - exchange.sent.time), bytes: line.bytes)
      }
      answers[exchange.sent.bytes, default: []].append(chunks)
    }
    if conversation.exchanges.isEmpty {
      var last: Duration?
      for line in conversation.unasked {
        let pause = last.map { max(.milliseconds(1), line.time - $0) } ?? .milliseconds(1)
        pushes.append(Chunk(after: push ?? pause, bytes: line.bytes))
        last = line.time
      }
    }
    mtu = max(23, (transcript.lines.map(\.bytes.count).max() ?? 0) + 3)
  }

  /// What the `time`th request of that kind is answered with, counted from 0; `nil`: it is not in the record.
  func answer(to request: [UInt8], time: Int) -> [Chunk]? {
    answers[request].flatMap { $0.isEmpty ? nil : $0[min(time, $0.count - 1)] }
  }

  /// What is pushed goes round.
  func pushed(_ number: Int) -> Chunk { pushes[(number - 1) % pushes.count] }

  /// Before the `number`th piece that is pushed, counted from 1.
  func pause(before number: Int) -> Duration? { pushes.isEmpty ? nil : pushed(number).after }
}

extension Setup.Module {
  /// Whether it speaks without being asked.
  var pushes: Bool { shunt != nil || replay?.pushes.isEmpty == false }

  mutating func play(_ path: String, at place: String, _ pace: JSON?) throws(Mistake) {
    guard let bytes = Self.read(path) else { throw Mistake("\(place): '\(path)' cannot be read, or is too long") }
    let transcript: Transcript
    do { transcript = try Transcript(parsing: bytes) } catch { throw Mistake("\(place): '\(path)', \(error)") }
    guard !transcript.lines.isEmpty else { throw Mistake("\(place): '\(path)' holds no frame") }
    let replay = Replay(
      transcript, reply: pace?["reply_ms"] == nil ? nil : delays.reply, fragment: delays.fragment,
      push: pace?["push_ms"] == nil ? nil : delays.push)
    mtu = max(mtu, replay.mtu)
    if name.isEmpty { name = transcript.head?.name ?? "" }
    self.replay = replay
  }

  private static func read(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0, bytes.count + count <= Transcript.maxBytes else { return nil }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }
}

extension World {
  /// Answers from the record; whether it holds an answer.
  mutating func replay(_ request: [UInt8], number: Int, on device: Device, _ link: Int) -> Bool {
    let time = modules[device.address]?.replayed[request] ?? 0
    guard let chunks = modules[device.address]?.setup.replay?.answer(to: request, time: time) else { return false }
    modules[device.address]?.replayed[request] = time + 1
    // Pieces that come at one moment are one entry of the journal.
    var rest = chunks[...]
    while let first = rest.first {
      let together = rest.prefix { $0.after == first.after }
      rest = rest.dropFirst(together.count)
      set(
        .fragment(link: link, device: device.path, fragments: together.map(\.bytes), index: 0, request: number), in: first.after)
    }
    return !chunks.isEmpty
  }

  mutating func pushRecorded(_ address: String, _ pushing: Int) {
    guard let module = modules[address], module.pushing == pushing, let replay = module.setup.replay, let path = module.linkedTo,
      let link = devices[path]?.link.id
    else { return }
    let number = module.pushed + 1
    modules[address]?.pushed = number
    let strikes = modules[address]?.strike(.request) ?? []
    if strikes.contains(.dropLink) { return close(path, by: "drop") }
    let piece = replay.pushed(number).bytes
    if !strikes.contains(.silent) {
      note("pushed", ["address": .string(address), "n": .int(number), "fragments": .strings([Hex.text(piece)])])
      deliver([piece], from: 0, request: nil, link: link, device: path)
    }
    let pause = replay.pause(before: number + 1) ?? .seconds(1)
    set(.push(module: address, pushing: pushing), in: max(pause, horizon - now))
  }
}
