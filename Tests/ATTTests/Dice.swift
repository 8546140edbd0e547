import Glibc
@testable import ATT

func bytes(_ hex: String) -> [UInt8] { hex.split(separator: " ").compactMap { UInt8($0, radix: 16) } }

/// A small generator with a seed (splitmix64), so that a failing walk can be walked again.
struct Dice: RandomNumberGenerator {
  /// How many packets a fuzzing test tries: more in the long run, because a debug build takes a third of a minute for them.
  static let throwCount = getenv("BLUPOW_TEST_LONG") == nil ? 20_000 : 200_000

  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  mutating func roll(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  private static let sound = PDUTests.golden.map { bytes($0.hex) }

  /// Noise, or a sound packet with a few bytes changed, cut or added.
  mutating func packet() -> [UInt8] {
    if roll(0...3) == 0 { return (0..<roll(0...40)).map { _ in UInt8(roll(0...255)) } }
    return mutated(Self.sound[roll(0...Self.sound.count - 1)])
  }

  mutating func mutated(_ sound: [UInt8]) -> [UInt8] {
    var packet = sound
    for _ in 0..<roll(0...3) {
      switch roll(0...3) {
      case 0: packet.append(UInt8(roll(0...255)))
      case 1: if !packet.isEmpty { packet.removeLast() }
      default: if !packet.isEmpty { packet[roll(0...packet.count - 1)] = UInt8(roll(0...255)) }
      }
    }
    return packet
  }
}
