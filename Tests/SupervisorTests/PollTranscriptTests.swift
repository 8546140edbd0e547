import Policy
import Readings
import Testing

@testable import Supervisor

@Suite struct PollTranscriptTests {
  private let readings = DeviceReadings(
    device: "Inverter", profile: "inverter", unit: 32, model: nil,
    readings: ["battery_voltage": Reading(.number(52.4), unit: "V")])

  private func outcome(
    _ events: [Event], devices: [String] = ["Inverter"], cause: Ending.Cause = .exited(0), stopAsked: Bool = false,
    before: [ChildEvent] = [], after: [ChildEvent] = []
  ) throws -> PollOutcome {
    var transcript = PollTranscript(poll: "p-1", devices: devices)
    let lines = try events.map { event in
      ChildEvent.line(Array(try Wire.line(EventLine(poll: "p-1", time: .milliseconds(800), event: event)).dropLast()))
    }
    for event in before + lines + after { transcript.hear(event, deadline: .seconds(25)) }
    return transcript.concluded(Ending(cause: cause, lasted: .seconds(3)), stopAsked: stopAsked)
  }

  @Test func `a killed worker's failure names the furthest stage, not the last`() throws {
    let outcome = try outcome(
      [.stage(.services, attempt: 1), .stage(.connect, attempt: 2)], cause: .signalled(9), after: [.deadline, .killed])
    #expect(
      outcome.answers["Inverter"]?.failure
        == FailureReport(.workerTimedOut, at: .services, "The worker was ended at its deadline of 25.0 s by force, in services."))
  }

  @Test(arguments: [[], [Event.link(by: .kernel), .stage(.read, attempt: 1)]])
  func `a worker that does not end at all is said so, and keeps its link by whatever carries it`(events: [Event]) throws {
    let outcome = try outcome(events, cause: .abandoned, after: [.deadline, .killed])
    let report = try #require(outcome.answers["Inverter"]?.failure)
    #expect(report.failure == .workerTimedOut)
    #expect(report.message.hasPrefix("The worker did not end, not even by force"))
    #expect(outcome.needsRelease)
  }

  @Test func `a worker whose end was told to somebody else is no success`() throws {
    let outcome = try outcome([.stage(.read, attempt: 1)], cause: .unknown)
    #expect(
      outcome.answers["Inverter"]?.failure
        == FailureReport(.workerCrashed, at: .read, "The worker ended in read, and how was not to be learned."))
    #expect(outcome.needsRelease)
  }

  @Test func `a worker that could not read its request is heard, though it knows no poll id`() throws {
    var transcript = PollTranscript(poll: "p-1", devices: ["Inverter"])
    let refused = FailureReport(.versionUnknown, at: .start, "The request is of protocol version 1.")
    let line = EventLine(poll: "-", time: .zero, event: .failed(device: nil, refused))
    transcript.hear(.line(Array(try Wire.line(line).dropLast())), deadline: .seconds(25))
    let outcome = transcript.concluded(Ending(cause: .exited(64), lasted: .seconds(1)), stopAsked: false)
    #expect(outcome.answers == ["Inverter": .failed(refused)])
    #expect(!outcome.needsRelease)
  }

  @Test(arguments: [(LinkKind.kernel, false), (.bluez, true)])
  func `a killed worker leaves bluetoothd's link, never the kernel's`(kind: LinkKind, needsRelease: Bool) throws {
    let outcome = try outcome([.link(by: kind), .stage(.read, attempt: 1)], cause: .signalled(9), after: [.deadline, .killed])
    #expect(outcome.needsRelease == needsRelease)
    #expect(outcome.linkedBy == kind)
  }

  @Test(arguments: [
    ([Stage.lock], false), ([.lock, .connect], true), ([.lock, .connect, .services], false),
    ([.lock, .connect, .services, .connect], true), ([.lock, .connect, .release], true), ([.lock, .connect, .bus], true),
    ([.lock, .connect, .release, .connect, .services, .subscribe, .read], false),
  ])
  func `a worker that ends in the midst of the kernel's connect may leave a link to bluetoothd`(
    stages: [Stage], needsRelease: Bool
  ) throws {
    let events = [Event.link(by: .kernel)] + stages.map { .stage($0, attempt: 1) }
    #expect(try outcome(events, cause: .signalled(9)).needsRelease == needsRelease)
    #expect(try outcome(events + [.stopped(.connect)], cause: .exited(75), stopAsked: true).needsRelease == needsRelease)
    #expect(try !outcome(events + [.done(Done(link: .closed))]).needsRelease)
  }

  @Test(arguments: [([Stage.lock, .bus, .release], false), ([.lock, .bus, .release, .scan, .connect], true)])
  func `of a poll that leaves others' links alone a link is left once it began a connect`(
    stages: [Stage], needsRelease: Bool
  ) throws {
    for yields in [true, false] {
      var transcript = PollTranscript(poll: "p-1", devices: ["Inverter"], yields: yields)
      for event in [Event.link(by: .bluez)] + stages.map({ .stage($0, attempt: 1) }) {
        let line = EventLine(poll: "p-1", time: .zero, event: event)
        transcript.hear(.line(Array(try Wire.line(line).dropLast())), deadline: .seconds(25))
      }
      let outcome = transcript.concluded(Ending(cause: .signalled(9), lasted: .seconds(1)), stopAsked: false)
      #expect(outcome.needsRelease == (needsRelease || !yields))
    }
  }

  @Test func `the time of a device's readings is kept`() throws {
    let outcome = try outcome([.readings(readings), .done(Done(link: .closed))])
    #expect(outcome.readAt == ["Inverter": .milliseconds(800)])
    #expect(outcome.ageAtEnd(of: "Inverter") == .milliseconds(2200))
  }

  @Test func `one device's answer leaves the other's failure alone`() throws {
    let silent = FailureReport(.silent, at: .read, "Unit 48 did not answer.")
    let outcome = try outcome(
      [.readings(readings), .failed(device: "Battery", silent), .done(Done(link: .closed))], devices: ["Inverter", "Battery"])
    #expect(outcome.answers == ["Inverter": .readings(readings), "Battery": .failed(silent)])
    #expect(outcome.succeeded && !outcome.blamesModule)
  }

  @Test func `a failure of the whole poll is every unanswered device's`() throws {
    let missing = FailureReport(.busMissing, at: .bus, "No bus.")
    let outcome = try outcome(
      [.stage(.bus, attempt: 1), .failed(device: nil, missing)], devices: ["A", "B"], cause: .exited(69))
    #expect(outcome.answers == ["A": .failed(missing), "B": .failed(missing)])
    #expect(!outcome.needsRelease && !outcome.blamesModule)
  }

  @Test func `readings stand whatever follows`() throws {
    let trouble = FailureReport(.daemonSilent, at: .disconnect, "Disconnect was not answered.")
    for after in [[ChildEvent.line([1])], [.deadline], [.overflow(.line(limit: 5))]] {
      #expect(try outcome([.readings(readings)], after: after).answers["Inverter"] == .readings(readings))
    }
    let late = try outcome([.readings(readings), .failed(device: "Inverter", trouble)])
    #expect(late.answers["Inverter"] == .readings(readings))
    #expect(late.trouble == trouble)
    #expect(try outcome([.readings(readings), .done(Done(link: .closed, trouble: trouble))]).trouble == trouble)
  }

  @Test func `after a line that cannot be read nothing is believed`() throws {
    let outcome = try outcome([.readings(readings)], before: [.line(Array("Traceback".utf8))])
    #expect(outcome.answers["Inverter"]?.failure?.failure == .workerBabbled)
  }

  @Test func `readings of a device that was not asked for are nobody's`() throws {
    let outcome = try outcome([.readings(readings), .done(Done(link: .closed))], devices: ["Battery"])
    #expect(outcome.answers.keys.sorted() == ["Battery"])
    #expect(outcome.answers["Battery"]?.failure?.failure == .workerBabbled)
  }

  private func transcript(_ question: PollTranscript.Question, _ events: [Event]) throws -> PollTranscript {
    var transcript = PollTranscript(poll: "p-1", devices: ["Inverter"], question: question)
    for event in events {
      let line = EventLine(poll: "p-1", time: .zero, event: event)
      transcript.hear(.line(Array(try Wire.line(line).dropLast())), deadline: .seconds(8))
    }
    return transcript
  }

  @Test(arguments: [PollTranscript.Question.devices, .host, .everybody])
  func `what the radio looks like, and who answers, are answers to their own questions only`(question: PollTranscript.Question)
    throws
  {
    let ending = Ending(cause: .exited(0), lasted: .seconds(1))
    let done = Event.done(Done(link: .none))
    let probed = try transcript(question, [.probed(Probe(adapters: [])), done])
    #expect((probed.concluded(ending, stopAsked: false).done != nil) == (question == .host))
    let found = try transcript(question, [.found(Found(unit: 48, profile: "battery", confidence: .model)), done])
    #expect((found.concluded(ending, stopAsked: false).done != nil) == (question == .everybody))
    #expect(found.found.map(\.unit) == (question == .everybody ? [48] : []))
  }

  @Test func `each unit is found once, and no more than a module has`() throws {
    let ending = Ending(cause: .exited(0), lasted: .seconds(1))
    let battery = Event.found(Found(unit: 48, profile: "battery", confidence: .model))
    let done = Event.done(Done(link: .closed))
    #expect(try transcript(.everybody, [battery, done]).failure(ending, stopAsked: false) == nil)
    let twice = try transcript(.everybody, [battery, battery, done])
    #expect(twice.failure(ending, stopAsked: false)?.failure == .workerBabbled && twice.found.count == 1)
    let many = (1...17).map { Event.found(Found(unit: $0, profile: "battery", confidence: .guess)) }
    let crowd = try transcript(.everybody, many + [done])
    #expect(crowd.failure(ending, stopAsked: false)?.failure == .workerBabbled && crowd.found.count == Wire.maxDevices)
  }

  @Test func `a job that failed is told by its failure, also where the worker came to its last line`() throws {
    let report = FailureReport(.held, at: .lock, "Another worker held it.")
    let ended = try transcript(.everybody, [.failed(device: nil, report), .done(Done(link: .none))])
    #expect(ended.failure(Ending(cause: .exited(75), lasted: .seconds(1)), stopAsked: false) == report)
    let crashed = try transcript(.everybody, [.stage(.connect, attempt: 1)])
    #expect(crashed.failure(Ending(cause: .signalled(11), lasted: .seconds(1)), stopAsked: false)?.failure == .workerCrashed)
  }

  @Test func `a stop that we asked for is no crash`() throws {
    let outcome = try outcome([.stage(.connect, attempt: 1)], cause: .signalled(15), stopAsked: true)
    #expect(outcome.answers["Inverter"]?.failure?.failure == .stopped)
  }
}
