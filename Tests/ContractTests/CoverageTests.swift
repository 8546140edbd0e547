import Readings
import Testing

@Suite struct CoverageTests {
  /// Where each failure that a worker reports is reached, besides the table of `FaultTests`.
  static let elsewhere: Set<Failure> = [
    .badRequest, .requestTooLong, .versionUnknown, .jobUnknown, .profileUnknown,  // InputTests
    .busMissing, .busLost, .daemonMissing, .accessDenied,  // BusTests
    .busSilent, .held, .stopped,  // StopTests
    .adapterMissing, .adapterOff,  // FaultTests, adapters
    .outOfTime,  // FamilyPollTests
  ]
  /// Those that only a supervisor can say: SupervisorTests, the zoo.
  static let supervisors: Set<Failure> = [.workerMissing, .workerTimedOut, .workerCrashed, .workerBabbled]

  @Test func `every failure is reached by a test`() {
    let rows = Set(FaultTests.rows.flatMap { [$0.bluez, $0.kernel].compactMap { $0?.failure } })
    #expect(rows.union(Self.elsewhere).union(Self.supervisors) == Set(Failure.allCases))
  }
}
