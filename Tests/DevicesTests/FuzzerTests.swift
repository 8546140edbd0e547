import Fuzzing
import Testing

@Suite struct FuzzerTests {
  /// Ten million are `./Tests/run --long`'s.
  @Test(arguments: 1...2 as ClosedRange<UInt64>) func `whatever comes, in whatever pieces, only what is sealed is believed`(
    seed: UInt64
  )
    throws
  {
    var fuzzer = Fuzzer(seed: seed)
    for _ in 0..<1000 { try fuzzer.round() }
    #expect(fuzzer.believed > 200 && fuzzer.values > 500)
  }
}
