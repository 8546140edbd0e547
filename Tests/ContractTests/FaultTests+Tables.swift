import Readings
import Rig
import Testing

extension FaultTests {
  enum Place { case both, simulated }

  /// What a poll by one link makes of a fault.
  struct Outcome: Sendable {
    var failure: Failure
    var stages: [Stage]
    var exit: Int32
    /// Part of the sentence about it.
    var said: String?
    var place: Place
    /// What a real radio may make of it, too: a link may be seen for a moment before it is gone.
    var orInReal: [Failure]

    static func fails(
      _ failure: Failure, _ stages: Stage..., exit: Int32 = 75, said: String? = nil, in place: Place = .both,
      orInReal: [Failure] = []
    ) -> Outcome {
      Outcome(failure: failure, stages: stages, exit: exit, said: said, place: place, orInReal: orInReal)
    }
  }

  /// A fault, and what each link makes of it; `nil`: it cannot be had there.
  struct Row: Sendable {
    var name: String
    /// JSON of the module's `faults`, or other members of the module.
    var module: String
    var bluez: Outcome?
    var kernel: Outcome?
    var deadline = "10s"
    /// Told to the module's side before the poll.
    var told: [String] = []
    var arguments: [String] = []

    init(
      _ name: String, _ fault: String, bluez: Outcome? = nil, kernel: Outcome? = nil, deadline: String = "10s",
      more: String = "", told: [String] = [], arguments: [String] = []
    ) {
      self.name = name
      module = "\(more)\"faults\":[\(fault)]"
      self.bluez = bluez
      self.kernel = kernel
      self.deadline = deadline
      self.told = told
      self.arguments = arguments
    }

    /// The same on both.
    init(
      _ name: String, _ fault: String, _ both: Outcome, deadline: String = "10s", more: String = "", told: [String] = [],
      arguments: [String] = []
    ) {
      self.init(
        name, fault, bluez: both, kernel: both, deadline: deadline, more: more, told: told, arguments: arguments)
    }
  }

  static let offTheAir = #"{"do":"advertise","address":"ADDRESS","on":false}"#

  static let rows = [
    Row("silent", #"{"fault":"silent"}"#, .fails(.silent, .read)),
    Row("silent at the second block", #"{"fault":"silent","from_request":2}"#, .fails(.silent, .read)),
    Row("answers long after it was given up", #"{"fault":"slow","ms":6500}"#, .fails(.silent, .read)),
    Row("wrong checksum", #"{"fault":"wrong_crc"}"#, .fails(.badFrames, .read, exit: 76)),
    Row("wrong unit id", #"{"fault":"wrong_id"}"#, .fails(.badFrames, .read, exit: 76)),
    Row("truncated", #"{"fault":"truncated"}"#, .fails(.badFrames, .read, exit: 76)),
    Row(
      "refuses a required block", #"{"fault":"exception","code":2,"register":4000}"#, .fails(.modbusException, .read, exit: 76)),
    Row(
      "fails a required block", #"{"fault":"exception","code":4,"register":4327}"#, .fails(.modbusException, .read, exit: 76)),
    Row("drops the link at the second request", #"{"fault":"drop_link","from_request":2}"#, .fails(.linkLost, .read)),
    Row("drops the link when subscribed to", #"{"fault":"drop_on_subscribe"}"#, .fails(.linkLost, .subscribe, .read)),
    // The kernel's link never scans.
    Row(
      "does not advertise", "", bluez: .fails(.notSeen, .scan), kernel: .fails(.connectTimeout, .connect), deadline: "6s",
      told: [offTheAir]),
    Row(
      "known, but off the air", "", .fails(.connectTimeout, .connect), deadline: "6s", more: #""known":true,"#, told: [offTheAir]
    ),
    Row(
      "known, but never connects", #"{"fault":"never_connects"}"#, .fails(.connectTimeout, .connect, in: .simulated),
      deadline: "6s", more: #""known":true,"#),
    Row(
      "drops every link as soon as it is made", #"{"fault":"drop_on_connect"}"#,
      bluez: .fails(.connectFailed, .connect, .services, orInReal: [.linkLost]),
      kernel: .fails(.linkLost, .connect, .services, orInReal: [.connectFailed])),
    Row(
      "connects, but the link is aborted", #"{"fault":"connect_error"}"#, .fails(.connectFailed, .connect, in: .simulated)),
    Row("another client's Connect is pending for ever", #"{"fault":"busy_forever"}"#, .fails(.busy, .connect, in: .simulated)),
    Row("no free slot", #"{"fault":"slots"}"#, .fails(.slots, .connect, in: .simulated)),
    Row(
      "refuses to connect without pairing", #"{"fault":"auth_failed"}"#,
      .fails(.pairingRequired, .connect, exit: 77, in: .simulated)),
    // bluetoothd says no more than that the link is gone.
    Row(
      "wants pairing before it notifies", #"{"fault":"needs_pairing"}"#, bluez: .fails(.linkLost, .subscribe),
      kernel: .fails(.pairingRequired, .subscribe, exit: 77)),
    Row(
      "an error that nobody has seen", #"{"fault":"connect_error","name":"org.bluez.Error.Failed","text":"Strange"}"#,
      bluez: .fails(.daemonError, .connect, in: .simulated)),
    Row("services never resolve", #"{"fault":"services_never_resolve"}"#, .fails(.servicesUnresolved, .services)),
    Row(
      "services never resolve, and bluetoothd gives up first", #"{"fault":"services_never_resolve"}"#,
      bluez: .fails(.servicesUnresolved, .services, said: "did not answer when asked for its services"), deadline: "60s",
      arguments: ["--attempts", "1"]),
    // bluetoothd deals with such a packet itself.
    Row(
      "a packet longer than agreed on, before its services are listed", #"{"fault":"long_pdu"}"#,
      kernel: .fails(
        .servicesUnresolved, .services, said: "sent a packet of 33 bytes where 23 were agreed on")),
    Row(
      "a packet longer than agreed on, before a reply", #"{"fault":"long_pdu","when":"reading"}"#,
      kernel: .fails(.badFrames, .read, exit: 76, said: "sent a packet of 33 bytes where 23 were agreed on")),
    Row("not a Renogy module", #"{"fault":"no_characteristics"}"#, .fails(.wrongProfile, .services, exit: 76)),
    Row("refuses to notify", #"{"fault":"notify_refused"}"#, .fails(.notifyRefused, .subscribe)),
    // bluetoothd lists who notifies; by the kernel's link nobody does.
    Row(
      "notifications are promised and never enabled", #"{"fault":"notify_ignored"}"#,
      bluez: .fails(.notifyRefused, .subscribe, in: .simulated), kernel: .fails(.silent, .read, in: .simulated)),
    Row(
      "notifications are taken", #"{"fault":"notify_taken"}"#, bluez: .fails(.notifyRefused, .subscribe, in: .simulated)),
    Row(
      "bluetoothd swallows WriteValue", #"{"fault":"daemon_mute","method":"WriteValue"}"#,
      bluez: .fails(.daemonSilent, .read, in: .simulated)),
    Row(
      "bluetoothd swallows StartDiscovery", #"{"fault":"daemon_mute","method":"StartDiscovery"}"#,
      bluez: .fails(.daemonSilent, .scan, in: .simulated), deadline: "5s"),
    Row(
      "bluetoothd swallows GetManagedObjects", #"{"fault":"daemon_mute","method":"GetManagedObjects"}"#,
      bluez: .fails(.daemonSilent, .bus, in: .simulated), deadline: "5s"),
    Row(
      "bluetoothd swallows StartNotify", #"{"fault":"daemon_mute","method":"StartNotify"}"#,
      bluez: .fails(.notifyRefused, .subscribe, in: .simulated)),
  ]

  /// A row and the link that it is tried on.
  struct Trial: Sendable, CustomTestStringConvertible {
    var row: Row
    var link: LinkKind
    var outcome: Outcome
    var testDescription: String { "\(row.name), by \(link.rawValue)" }
  }

  static let trials = rows.flatMap { row in
    [(LinkKind.bluez, row.bluez), (.kernel, row.kernel)].compactMap { link, outcome in
      outcome.map { Trial(row: row, link: link, outcome: $0) }
    }
  }.filter { $0.outcome.place == .both || !Worlds.isReal }

  /// What costs no reading.
  struct Nuisance: Sendable {
    var name: String
    /// JSON members of the module.
    var module: String
    var links: [LinkKind] = LinkKind.allCases
    var place = Place.both
    /// The one packet, in hexadecimal digits, with which the kernel's link answers it.
    var answer: String?
    /// The attempt that succeeds.
    var attempt: Int
    /// Frames that the module was asked.
    var requests: ClosedRange<Int>
    /// What it must have lasted at least, for it to have been met.
    var least: (stage: Stage, milliseconds: Int64)?

    init(
      _ name: String, _ module: String, only link: LinkKind? = nil, in place: Place = .both, answer: String? = nil,
      attempt: Int = 1, requests: ClosedRange<Int> = Scene.inverterRequests...Scene.inverterRequests,
      least: (stage: Stage, milliseconds: Int64)? = nil
    ) {
      self.attempt = attempt
      self.requests = requests
      self.least = least
      self.name = name
      self.module = module
      if let link { links = [link] }
      self.place = place
      self.answer = answer
    }
  }

  static let nuisances = [
    Nuisance("noise before the frame", #""faults":[{"fault":"noise"}]"#),
    // Of blocks that are as long the later ones are asked for again, where the first of two is still on its way.
    Nuisance(
      "every piece twice", #""faults":[{"fault":"twice"}]"#, in: .simulated,
      requests: Scene.inverterRequests...Scene.inverterRequests + 4),
    Nuisance("slow, but in time", #""faults":[{"fault":"slow","ms":1200}]"#, least: (.read, 6000)),
    Nuisance("services late", #""faults":[{"fault":"services_late","ms":700}]"#, least: (.services, 500)),
    Nuisance(
      "one damaged reply", #""faults":[{"fault":"wrong_crc","from_request":2,"times":1}]"#,
      requests: Scene.inverterRequests + 1...Scene.inverterRequests + 1),
    Nuisance("the second attempt succeeds", #""faults":[{"fault":"drop_on_connect","times":1}]"#, attempt: 2),
    Nuisance("the first connection fails", #""faults":[{"fault":"connect_fails_once"}]"#, in: .simulated, attempt: 2),
    // The device is asked from its first block on again.
    Nuisance(
      "the link drops once while reading", #""faults":[{"fault":"drop_link","from_request":2,"times":1}]"#, attempt: 2,
      requests: Scene.inverterRequests + 2...Scene.inverterRequests + 2),
    // The real one's link falls a moment after its answer: a first request may be on its way then, and be heard.
    Nuisance(
      "the link drops once when subscribed to", #""faults":[{"fault":"drop_on_subscribe","times":1}]"#, attempt: 2,
      requests: Scene.inverterRequests...(Worlds.isReal ? Scene.inverterRequests + 1 : Scene.inverterRequests)),
    Nuisance("refuses once to notify", #""faults":[{"fault":"notify_refused","times":1}]"#, attempt: 2),
    Nuisance(
      "bluetoothd does not say that it is connected", #""faults":[{"fault":"connected_unsaid"}]"#, only: .bluez,
      in: .simulated),
    Nuisance("a large MTU", #""mtu":247"#),
    Nuisance("known already", #""known":true"#),
    Nuisance("asks for the MTU itself", #""faults":[{"fault":"peer_mtu"}]"#, answer: "030502"),
    // bluetoothd gives a link up that carries one.
    Nuisance("a response to nothing", #""faults":[{"fault":"stray_response"}]"#, only: .kernel),
    Nuisance("an indication", #""faults":[{"fault":"indication"}]"#, answer: "1e"),
    Nuisance("a request that nobody knows", #""faults":[{"fault":"unknown_opcode"}]"#, answer: "013f000006"),
    Nuisance(
      "asks for the MTU itself, before a reply", #""faults":[{"fault":"peer_mtu","when":"reading","times":1}]"#,
      answer: "030502"),
    Nuisance(
      "a response to nothing, before each reply", #""faults":[{"fault":"stray_response","when":"reading"}]"#, only: .kernel),
    Nuisance(
      "an indication, before a reply", #""faults":[{"fault":"indication","when":"reading","from_request":2,"times":1}]"#,
      answer: "1e"),
    Nuisance(
      "a request that nobody knows, before a reply",
      #""faults":[{"fault":"unknown_opcode","when":"reading","times":1}]"#, answer: "013f000006"),
    Nuisance("one packet longer than agreed on", #""faults":[{"fault":"long_pdu","times":1}]"#, only: .kernel, attempt: 2),
  ]

  /// A nuisance and the link that it is tried on.
  struct Survival: Sendable, CustomTestStringConvertible {
    var nuisance: Nuisance
    var link: LinkKind
    var testDescription: String { "\(nuisance.name), by \(link.rawValue)" }
  }

  static let survivals = nuisances.filter { $0.place == .both || !Worlds.isReal }.flatMap { nuisance in
    nuisance.links.map { Survival(nuisance: nuisance, link: $0) }
  }
}
