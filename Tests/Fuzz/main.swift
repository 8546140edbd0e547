import Fuzzing

// swift run -c release fuzz [STREAMS [SEED]]: as many streams (ten million), and what was believed of them.

let numbers = CommandLine.arguments.dropFirst().compactMap(UInt64.init)
let wanted = Int(numbers.first ?? 10_000_000)
let seed = numbers.dropFirst().first ?? 1
var fuzzer = Fuzzer(seed: seed)
do {
  for _ in 0..<wanted { try fuzzer.round() }
} catch {
  fatalError("seed \(seed), stream \(fuzzer.streams): \(error)")
}
print("\(fuzzer.streams) streams of seed \(seed): \(fuzzer.believed) frames believed, \(fuzzer.values) values, no finding")
