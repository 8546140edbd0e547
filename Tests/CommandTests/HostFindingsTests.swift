import Foundation
import Readings
import Testing

@testable import blupow

@Suite struct HostFindingsTests {
  @Test func `limits are a fault each, and none where there is room`() {
    func verdicts(_ descriptors: UInt64, _ left: Int?) -> [Finding.Verdict] {
      let room = left.map { ProcessLimits.Room(left: $0, limit: 100, by: "`ulimit -u`") }
      return HostFindings.limits(ProcessLimits(descriptors: descriptors, room: room)).map(\.verdict)
    }
    #expect(verdicts(1024, nil) == [.ok])
    #expect(verdicts(256, 32) == [.ok])
    #expect(verdicts(255, 31) == [.fault, .fault])
    #expect(verdicts(.max, -5) == [.fault])
  }

  @Test func `this process's own limits are those that the system tells`() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #expect(ProcessLimits.ofThisProcess().descriptors == UInt64(limit.rlim_cur))
  }

  @Test(arguments: [
    ("5.50", Finding.Verdict.fault), ("5.62", .fault), ("5.63", .ok), ("5.66", .ok), ("5.86", .ok), ("5.87", .ok),
    ("blupow-simulator, protocol 1", .unknown), ("", .unknown), ("5", .unknown), ("5.66.1", .unknown),
  ]) func `a bluetoothd is a fault where nothing helps against what is known of it`(said: String, verdict: Finding.Verdict) {
    #expect(HostFindings.bluez(at: "/usr/libexec/bluetooth/bluetoothd", said: said).verdict == verdict)
  }

  @Test func `what is known of a version and allowed for is said`() {
    let debian = HostFindings.bluez(at: "/b", said: "5.66").message
    #expect(debian.contains("acquired notifications") && debian.hasSuffix("BluPow allows for that."))
    #expect(HostFindings.bluez(at: "/b", said: "5.86").message == "/b is 5.86.")
  }

  @Test func `a worker that says nothing, or another version, is a fault`() {
    let mute = HostFindings.worker(at: "/w", said: nil, own: "1")
    #expect(mute.verdict == .fault && mute.advice?.contains("`blupow-worker --version`") == true)
    #expect(mute.advice?.hasPrefix("Install blupow and blupow-worker again") == true)
    #expect(HostFindings.worker(at: "/w", said: "2", own: "1").failure == .versionUnknown)
    #expect(HostFindings.worker(at: "/w", said: "1", own: "1").verdict == .ok)
  }
}
