import Readings
import Testing

@testable import blupow

@Suite struct DoctorReportTests {
  private let fault = Finding.fault(.broker, "It is \u{1B}[31mgone.", advice: "`systemctl start mosquitto` starts it.")

  @Test func `a fault has its advice under it, and control characters of others nowhere`() {
    #expect(
      DoctorReport.text(of: fault, colours: false) == """
        FAULT    broker      It is ?[31mgone.
                             `systemctl start mosquitto` starts it.
        """)
  }

  @Test func `a terminal has the verdict in colour, and the columns where they were`() {
    let text = DoctorReport.text(of: .ok(.clock, "It is right.").fromService, colours: true)
    #expect(text == "\u{1B}[32mok\u{1B}[0m       clock       It is right. (The service's word.)")
  }

  @Test func `a command for a device is one that a shell takes, whatever its name`() {
    let remedy = Failure.outOfTime.remedy(device: "Skipper's $(bank)", address: nil)
    #expect(remedy.contains(#"`blupow poll --verbose 'Skipper'\''s $(bank)'`"#), "\(remedy)")
  }

  @Test func `what is found is counted`() {
    #expect(DoctorReport(findings: [.ok(.clock, "")]).summary == "No fault.")
    #expect(DoctorReport(findings: [fault, fault, .unknown(.bluez, "")]).summary == "2 faults. 1 could not be told.")
  }

  @Test(arguments: Failure.allCases) func `what to do about a failure names a command`(failure: Failure) {
    let remedy = failure.remedy(device: "Bank 1", address: Address("D8:B6:73:BF:4F:75"))
    #expect(remedy.hasPrefix(failure.advice))
    #expect(remedy.contains(/`[a-z\-]+ [^`]+`/) || remedy.contains("blupow-worker --help"), "\(remedy)")
  }
}
