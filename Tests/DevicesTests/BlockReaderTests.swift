import Devices
import Readings
import Testing

/// Time passes here as it does on a link: each answer comes when it is due.
@Suite struct BlockReaderTests {
  final class TimedModule: Link {
    /// After each request, when which chunk comes.
    var script: [[(after: Duration, chunk: [UInt8])]]
    private var pending: [(at: ContinuousClock.Instant, chunk: [UInt8])] = []
    private(set) var sent = 0

    init(_ script: [[(after: Duration, chunk: [UInt8])]]) { self.script = script }

    func send(_ frame: [UInt8]) {
      if script.indices.contains(sent) { pending += script[sent].map { (.now + $0.after, $0.chunk) } }
      pending.sort { $0.at < $1.at }
      sent += 1
    }

    func receive(until deadline: ContinuousClock.Instant) -> [UInt8]? {
      guard let next = pending.first, next.at <= max(deadline, .now) else {
        while ContinuousClock.now < deadline {}
        return nil
      }
      while ContinuousClock.now < next.at {}
      return pending.removeFirst().chunk
    }
  }

  static func reply(_ words: [UInt16]) -> [UInt8] {
    ScriptedModule.seal([32, 3, UInt8(words.count * 2)] + words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
  }

  static let today = ReadRequest(unit: 32, register: 4543, words: 4)
  static let total = ReadRequest(unit: 32, register: 4554, words: 4)

  @Test func `noise before a reply does not cut the wait for it`() throws {
    let module = TimedModule([[(.milliseconds(10), [0]), (.milliseconds(1200), Self.reply([1, 2, 3, 4]))]])
    let reader = BlockReader(link: module, deadline: .now + .seconds(10), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .seconds(2)) == .words(unit: 32, [1, 2, 3, 4]))
    #expect(module.sent == 1)
  }

  @Test func `an answer that is owed is not the next block's, though it is as long`() throws {
    var damaged = Self.reply([1, 2, 3, 4])
    damaged[5] ^= 1
    // The first request is answered twice: damaged, and again late; the second is answered, too.
    let module = TimedModule([
      [(.milliseconds(10), damaged)],
      [(.milliseconds(10), Self.reply([1, 2, 3, 4])), (.milliseconds(300), Self.reply([1, 2, 3, 4]))],
      [(.milliseconds(500), Self.reply([0, 4321, 0, 8765]))],
    ])
    let reader = BlockReader(link: module, deadline: .now + .seconds(10), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .seconds(2)) == .words(unit: 32, [1, 2, 3, 4]))
    #expect(try reader.read(Self.total, timeout: .seconds(2)) == .words(unit: 32, [0, 4321, 0, 8765]))
  }

  @Test func `an answer that comes twice is not the next block's, though it is as long`() throws {
    let (today, total) = (Self.reply([86, 41, 38, 23]), Self.reply([0, 21468, 0, 18355]))
    // Everything comes twice, the second one when the next question has been asked.
    let module = TimedModule([
      [(.milliseconds(10), today), (.milliseconds(30), today)],
      [(.milliseconds(200), total), (.milliseconds(220), total)],
      [(.milliseconds(200), total), (.milliseconds(220), total)],
      [(.milliseconds(10), today)],
    ])
    let reader = BlockReader(link: module, deadline: .now + .seconds(20), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .seconds(2)) == .words(unit: 32, [86, 41, 38, 23]))
    #expect(try reader.read(Self.total, timeout: .seconds(2)) == .words(unit: 32, [0, 21468, 0, 18355]))
    #expect(module.sent == 3)
  }

  @Test func `registers that hold the same are believed when they have said it twice`() throws {
    let zeros = Self.reply([0, 0, 0, 0])
    let module = TimedModule([[(.zero, zeros)], [(.zero, zeros)], [(.zero, zeros)]])
    let reader = BlockReader(link: module, deadline: .now + .seconds(10), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .seconds(2)) == .words(unit: 32, [0, 0, 0, 0]))
    #expect(try reader.read(Self.total, timeout: .seconds(2)) == .words(unit: 32, [0, 0, 0, 0]))
    #expect(module.sent == 3)
  }

  @Test func `a refusal that comes twice refuses nothing else`() throws {
    let refused = ScriptedModule.seal([32, 0x83, 2])
    let module = TimedModule([
      [(.zero, refused), (.milliseconds(20), refused)], [(.milliseconds(100), Self.reply([0, 1, 0, 2]))],
      [(.milliseconds(100), Self.reply([0, 1, 0, 2]))],
    ])
    let reader = BlockReader(link: module, deadline: .now + .seconds(10), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .seconds(2)) == .unsupported)
    #expect(try reader.read(Self.total, timeout: .seconds(2)) == .words(unit: 32, [0, 1, 0, 2]))
  }

  @Test func `damage, and then nothing, is damage`() throws {
    let module = TimedModule([[(.zero, [32, 3])], []])
    let reader = BlockReader(link: module, deadline: .now + .seconds(10), seen: SeenReplies())
    #expect(try reader.read(Self.today, timeout: .milliseconds(1100)) == .bad(.truncated(got: 2, of: 13)))
  }

  @Test func `optional blocks end when it is others' turn, and required ones do not`() throws {
    let module = ScriptedModule()
    let outcome = try DevicePoll(
      DeviceRequest(name: "Inverter", profile: "inverter"), profile: .inverter, link: module, deadline: .now + .seconds(60),
      share: .now
    ).run()
    #expect(module.asked == [4000, 4327])
    #expect(try outcome.result.get().readings["input_voltage"] != nil && outcome.notes == BlockNotes())
  }
}
