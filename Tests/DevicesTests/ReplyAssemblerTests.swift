import Chance
import Devices
import Testing

@Suite struct ReplyAssemblerTests {
  static let request = ReadRequest(unit: 32, register: 4000, words: 10)
  static let reply = bytes("200314046f06a4046b001e177102000227000000001771352f")
  static let words: [UInt16] = [1135, 1700, 1131, 30, 6001, 512, 551, 0, 0, 6001]

  func chunks(_ bytes: [UInt8], of size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
  }

  @Test(arguments: 1...25) func `a reply cut into pieces of any size is put together`(size: Int) throws {
    var assembler = ReplyAssembler(Self.request)
    var got: ModbusReply?
    for chunk in chunks(Self.reply, of: size) {
      #expect(got == nil)
      got = try assembler.append(chunk)
    }
    #expect(got == .registers(unit: 32, Self.words))
  }

  @Test(arguments: CapturedFrame.all.filter { $0.derivedFragments20 != nil })
  func `captured frames in 20-byte notifications are put together`(frame: CapturedFrame) throws {
    let asked = try #require(frame.request)
    var assembler = ReplyAssembler(
      ReadRequest(
        unit: asked[0], register: UInt16(asked[2]) << 8 | UInt16(asked[3]),
        words: UInt16(asked[4]) << 8 | UInt16(asked[5])))
    var got: ModbusReply?
    for fragment in frame.derivedFragments20 ?? [] { got = try assembler.append(bytes(fragment)) }
    guard case .registers(_, let words)? = got else {
      Issue.record("no reply from \(frame.id)")
      return
    }
    #expect(words.count == frame.words)
  }

  @Test func `noise before the frame is shifted out`() throws {
    for noise in ["00", "ff03", "2003", "200314", "6d61696e2072656376"] {
      var assembler = ReplyAssembler(Self.request)
      var got = try assembler.append(bytes(noise) + Self.reply)
      if got == nil, case .success(let reply) = assembler.conclude() { got = reply }
      #expect(got == .registers(unit: 32, Self.words), "after \(noise)")
    }
  }

  @Test func `a frame's own data that looks like a frame is not taken for one`() throws {
    // Registers that spell a whole exception of this unit, checksum and all, and arrive before the rest.
    let exception = ScriptedModule.seal([32, 0x83, 2])
    let reply = ScriptedModule.seal([32, 3, 20] + exception + [UInt8](repeating: 7, count: 15))
    var assembler = ReplyAssembler(Self.request)
    #expect(try assembler.append(Array(reply.prefix(20))) == nil)
    guard case .registers(32, let words)? = try assembler.append(Array(reply.dropFirst(20))) else {
      Issue.record("the reply was not found")
      return
    }
    #expect(words.count == 10)
  }

  @Test func `half a reply is a truncated one when nothing more comes`() throws {
    var assembler = ReplyAssembler(Self.request)
    #expect(try assembler.append(Array(Self.reply.prefix(20))) == nil)
    #expect(assembler.conclude() == .failure(.truncated(got: 20, of: 25)))
    #expect(ReplyAssembler(Self.request).conclude() == .failure(.nothing))
  }

  @Test func `more than any reply can hold is refused`() {
    var assembler = ReplyAssembler(Self.request)
    #expect(throws: ModbusReply.Fault.tooLong(513)) {
      for _ in 0..<100 { _ = try assembler.append([UInt8](repeating: 0x55, count: 27)) }
    }
  }

  @Test func `random bytes are never taken for a reply, and a flipped bit never passes`() throws {
    var random = Dice(seed: 7)
    for _ in 0..<2000 {
      var assembler = ReplyAssembler(Self.request)
      let noise = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(try assembler.append(noise) == nil)
      var damaged = Self.reply
      damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      var other = ReplyAssembler(Self.request)
      #expect(try other.append(damaged) == nil)
      if case .success = other.conclude() { Issue.record("a damaged frame passed: \(damaged)") }
    }
  }

  @Test(arguments: [1, 3, 20, 100]) func `a reply of which every piece comes twice is put together of one of each`(size: Int)
    throws
  {
    let words = (0..<34).map { UInt16($0 * 257) }
    let frame = BlockReaderTests.reply(words)
    let request = ReadRequest(unit: 32, register: 5000, words: 34)
    let pieces = stride(from: 0, to: frame.count, by: size).map { Array(frame[$0..<min($0 + size, frame.count)]) }
    var assembler = ReplyAssembler(request)
    var reply: ModbusReply?
    for piece in pieces.flatMap({ [$0, $0] }) where reply == nil { reply = try assembler.append(piece) }
    #expect(reply == .registers(unit: 32, words))
  }

  @Test func `pieces of which only some come twice are no reply`() throws {
    let frame = BlockReaderTests.reply((0..<34).map { UInt16($0 * 257) })
    var assembler = ReplyAssembler(ReadRequest(unit: 32, register: 5000, words: 34))
    for piece in [frame[..<20], frame[..<20], frame[20..<40], frame[40..<60], frame[60...]] {
      #expect(try assembler.append(Array(piece)) == nil)
    }
  }
}
