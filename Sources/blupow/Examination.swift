import Foundation
import Glibc
import Logging
import MQTT
import Policy
import Publishers
import Readings
import Store
import Supervisor

/// Asks, check by check, and remembers what later ones build on. What the answers mean is for the findings' own files to say.
struct Examination {
  /// How long is listened; and once more, where nobody was heard.
  static let listening: [Duration] = [.seconds(5), .seconds(10)]

  let configPath: String
  let worker: WorkerCommand
  let log: Logger

  private var findings: [Finding] = []
  private var service: Result<FleetStatus, ServiceTrouble>?
  private var gateway: GatewayConfig?
  private var mqtt: MQTTSettings?
  private var radio = RadioFindings(probe: .success(Probe(adapters: [])))
  private var heard: [SeenDevice] = []

  init(configPath: String, worker: WorkerCommand, log: Logger) {
    self.configPath = configPath
    self.worker = worker
    self.log = log
  }

  /// - Parameter found: gets each finding as it comes.
  mutating func run(_ found: @Sendable (Finding) -> Void) async -> [Finding] {
    service = await Self.askService()
    func add(_ new: [Finding]) {
      new.forEach(found)
      findings += new
    }
    for check in Check.allCases where !Task.isCancelled {
      if let obstacle = obstacle(to: check) {
        add([.skipped(check, "Not asked: \(obstacle.rawValue) comes first.", obstacle: obstacle)])
      } else if check == .device, fleet == nil {
        // One after the other, and told as they come.
        for module in gateway?.modules ?? [] where !Task.isCancelled { add(await poll(module)) }
      } else {
        add(await look(at: check))
      }
    }
    return findings
  }

  // MARK: What comes first

  private var fleet: FleetStatus? { try? service?.get() }

  /// The fault for which a check cannot be made: of one that it needs, or of one that this one needs in turn.
  private func obstacle(to check: Check) -> Check? {
    let needs = check.needs(isBesideService: fleet != nil)
    return findings.lazy.filter { needs.contains($0.check) }.compactMap { finding in
      finding.verdict == .fault ? finding.check : finding.verdict == .skipped ? finding.obstacle : nil
    }.first
  }

  // MARK: Asking

  private mutating func look(at check: Check) async -> [Finding] {
    switch check {
    case .config: [config()]
    case .worker: [await askWorker()]
    case .limits: HostFindings.limits(.ofThisProcess())
    case .clock: [HostFindings.clock(wall: HostClock.real.wall(), isSynchronised: HostClock.real.isSynchronised())]
    case .bus: [radio.bus]
    case .bluetoothd: [radio.bluetoothd]
    case .bluez: [await bluez()]
    case .adapter: [radio.adapter(wanted: (gateway?.devices ?? []).map(\.adapter))]
    case .service: aboutService()
    case .scan: [await scan()]
    case .device: fleet.map { ServiceFindings(fleet: $0).devices(configured: gateway?.devices, deviceFindings) } ?? []
    case .broker: [await broker()]
    case .state: [state()]
    }
  }

  /// `nil`: there is none.
  private static func askService() async -> Result<FleetStatus, ServiceTrouble>? {
    guard let places = try? SocketPath.toAsk() else { return nil }
    do throws(ServiceTrouble) {
      return .success(try await StatusClient(places).status())
    } catch .notRunning {
      return nil
    } catch {
      return .failure(error)
    }
  }

  private mutating func config() -> Finding {
    do throws(ConfigError) {
      let whole = try ConfigFile.load(configPath)
      (gateway, mqtt) = (whole.gateway, whole.mqtt)
      return .ok(.config, "\(configPath): \(whole.gateway.counted).")
    } catch {
      let advice = "`blupow config check \(configPath)` says when it is mended."
      // Somebody who is not the service may not be allowed to read its password, and need not.
      if fleet != nil, let known = try? ConfigFile.loadGateway(configPath) {
        gateway = known
        return .unknown(.config, "For polls it is right, but: \(error)", advice: advice)
      }
      // Wrong is then only that this user may not read a file that it names.
      let other =
        (try? ConfigFile.loadGateway(configPath)) == nil ? "" : " The service's user asks by `sudo -u blupow blupow doctor`."
      return .fault(.config, error.description, advice: advice + other)
    }
  }

  private mutating func askWorker() async -> Finding {
    let own = "blupow-worker \(Wire.release) (protocol \(Wire.version))"
    let said: String?
    do throws(SpawnFailure) {
      said = try await ProgramWord.version(of: worker.path, environment: worker.environment)
    } catch {
      return .fault(.worker, FailureReport(.workerMissing, at: .start, error.description))
    }
    let version = HostFindings.worker(at: worker.path, said: said, own: own)
    guard version.verdict == .ok else { return version }
    let question = Request(poll: "doctor", deadline: .seconds(8), job: .probe)
    radio = RadioFindings(probe: await PollRunner(worker: worker, log: log).probe(question))
    return radio.worker ?? version
  }

  private func bluez() async -> Finding {
    guard let path = ProgramWord.bluetoothd(isHosts: SocketPath.isHostsBus()) else {
      return HostFindings.bluez(at: nil, said: nil)
    }
    return HostFindings.bluez(at: path, said: (try? await ProgramWord.version(of: path)) ?? nil)
  }

  private func aboutService() -> [Finding] {
    switch service {
    case nil: [.ok(.service, "No service is running: this command looks for itself.")]
    case .success(let fleet): ServiceFindings(fleet: fleet).service(besides: findings)
    case .failure(let trouble):
      [
        .fault(
          .service, trouble.description,
          advice:
            "`systemctl status blupow` shows it, `systemctl restart blupow` begins it anew. Until it answers or ends, nothing is polled beside it."
        )
      ]
    }
  }

  private mutating func scan() async -> Finding {
    guard fleet == nil else {
      return .skipped(.scan, "Left out: to listen beside the running service would be in its polls' way.")
    }
    let named = Set((gateway?.devices ?? []).map(\.adapter))
    let adapter = named.count == 1 ? named.first ?? nil : nil
    var time = Duration.zero
    for more in Self.listening {
      time += more
      do throws(FailureReport) {
        heard = try await ScanRunner(worker: worker, log: log).scan(for: more, adapter: adapter)
      } catch {
        return radio.scan(.failure(error), for: time)
      }
      if !heard.isEmpty || !radio.links.isEmpty { break }
    }
    return radio.scan(.success(heard), for: time)
  }

  private func poll(_ module: ModuleConfig) async -> [Finding] {
    let (outcome, left) = await QuietPoll(worker: worker, log: log).poll(module)
    return deviceFindings.findings(of: module, outcome, left: left)
  }

  private var deviceFindings: DeviceFindings { DeviceFindings(heard: heard, links: radio.links, followers: followers) }

  /// Who may have connected a device, by the programs' names.
  private var followers: [String]? {
    guard case .success(let probe) = radio.probe else { return nil }
    return probe.followers?.map { follower in
      guard let process = follower.process else { return follower.name }
      let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "?"
      return "\(Printable.text(name.trimmingCharacters(in: .whitespacesAndNewlines), maxBytes: 64)) (process \(process))"
    }
  }

  /// By the file without this command's own state directory; the password, which the service's user alone may read, is not needed.
  /// `nil`: it cannot be read.
  private var named: ServicePlaces? {
    var environment = ConfigFile.processEnvironment
    environment[ConfigFile.variable("state_dir")] = nil
    guard let text = try? ConfigFile.read(configPath),
      let whole = try? ConfigFile.whole(text, file: configPath, environment: environment, opensFiles: false)
    else { return nil }
    return ServicePlaces(broker: whole.mqtt?.broker.place, stateDirectory: whole.gateway.stateDirectory)
  }

  private func broker() async -> Finding {
    if let fleet { return ServiceFindings(fleet: fleet).broker(configured: named) }
    guard let mqtt else { return .ok(.broker, "None is configured.") }
    return .broker(at: mqtt, await BrokerVisit(settings: mqtt, process: getpid()).trouble())
  }

  private func state() -> Finding {
    if let fleet {
      // Its environment is not this command's: the file's own word counts as well.
      let own = named?.stateDirectory
      return ServiceFindings(fleet: fleet).state(configured: own.map { [$0, gateway?.stateDirectory ?? $0] } ?? [])
    }
    let path = StateDirectory.path(
      configured: gateway?.stateDirectory, environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    return HostFindings.state(at: path, trouble: path.flatMap { StateDirectory.trouble(at: $0) })
  }
}
