/// Numbers in few bytes, the way the history's rows have them (`protocol/history.md`): seven bits to a byte, the low ones first; a
/// negative one folded to odd; a column as the steps from one number to the next, a run without a step as 0 and its length.
struct Packing {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ number: UInt64) {
    var rest = number
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func put(_ number: Int64) { put(UInt64(bitPattern: number << 1 ^ number >> 63)) }
  mutating func put(_ count: Int) { put(UInt64(count)) }
  mutating func put(byte: UInt8) { bytes.append(byte) }

  mutating func put(column: [Int64]) {
    var last: Int64 = 0
    var run = 0
    for number in column {
      let step = number &- last
      last = number
      if step == 0 {
        run += 1
        continue
      }
      put(run: &run)
      put(step)
    }
    put(run: &run)
  }

  private mutating func put(run: inout Int) {
    guard run > 0 else { return }
    put(byte: 0)
    put(run)
    run = 0
  }

  /// With its length before it, so that it can be passed over.
  mutating func put(piece: Packing) {
    put(piece.bytes.count)
    bytes += piece.bytes
  }

  /// The whole with a sum behind it.
  var sealed: [UInt8] { bytes + Self.sum(of: bytes) }

  fileprivate static func sum(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var sum = Checksum()
    for byte in bytes { sum.take(byte) }
    let folded = UInt32(truncatingIfNeeded: sum.value ^ sum.value >> 32)
    return [UInt8(folded & 0xff), UInt8(folded >> 8 & 0xff), UInt8(folded >> 16 & 0xff), UInt8(folded >> 24)]
  }
}

/// Takes apart what was packed. Whatever the bytes are: an error, never a crash, and no more numbers than were asked for.
struct Unpacking {
  /// They are not as they were written.
  struct Damage: Error, Equatable {}

  private var rest: ArraySlice<UInt8>

  /// - Throws: where the sum is not right.
  init(sealed bytes: [UInt8]) throws(Damage) {
    guard bytes.count >= 4, Array(bytes.suffix(4)) == Packing.sum(of: bytes.dropLast(4)) else { throw Damage() }
    rest = bytes.dropLast(4)
  }

  private init(_ rest: ArraySlice<UInt8>) { self.rest = rest }

  var isEmpty: Bool { rest.isEmpty }

  mutating func byte() throws(Damage) -> UInt8 {
    guard let byte = rest.popFirst() else { throw Damage() }
    return byte
  }

  mutating func natural() throws(Damage) -> UInt64 {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let byte = try byte()
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
    }
    throw Damage()
  }

  mutating func whole() throws(Damage) -> Int64 {
    let folded = try natural()
    return Int64(bitPattern: folded >> 1 ^ (0 &- (folded & 1)))
  }

  mutating func count(atMost limit: Int) throws(Damage) -> Int {
    let number = try natural()
    guard number <= UInt64(limit) else { throw Damage() }
    return Int(number)
  }

  mutating func column(_ count: Int) throws(Damage) -> [Int64] {
    var column: [Int64] = []
    column.reserveCapacity(count)
    var last: Int64 = 0
    while column.count < count {
      let step = try whole()
      last &+= step
      if step != 0 {
        column.append(last)
      } else {
        let run = try self.count(atMost: count - column.count)
        guard run > 0 else { throw Damage() }
        column.append(contentsOf: repeatElement(last, count: run))
      }
    }
    return column
  }

  mutating func piece() throws(Damage) -> Unpacking {
    let count = try count(atMost: rest.count)
    let piece = rest.prefix(count)
    rest = rest.dropFirst(count)
    return Unpacking(piece)
  }
}
