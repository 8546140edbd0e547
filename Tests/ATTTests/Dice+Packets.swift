import Chance
import Glibc
@testable import ATT

func bytes(_ hex: String) -> [UInt8] { hex.split(separator: " ").compactMap { UInt8($0, radix: 16) } }

extension Dice {
  /// How many packets a fuzzing test tries: more in the long run, because a debug build takes a third of a minute for them.
  static let throwCount = getenv("BLUPOW_TEST_LONG") == nil ? 20_000 : 200_000

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
