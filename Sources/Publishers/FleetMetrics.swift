import Policy
import Readings

/// A fleet as metrics: one moment of it, and the counts since the process began (`protocol/metrics.md`).
struct FleetMetrics {
  typealias Family = Exposition.Family

  static let build = Family("blupow_build_info", "1; the release is in the label.")
  static let gateway = Family("blupow_gateway_info", "1; the gateway's name is in the label.")
  static let uptime = Family("blupow_uptime_seconds", "Since the service began, by the clock that counts suspend.")
  static let problem = Family(
    "blupow_gateway_problem", "1 for each problem that there is; none where all is well.")
  static let problems = Family("blupow_gateway_problems", "How many problems there are.")
  static let skipped = Family(
    "blupow_skipped_polls_total", "Polls that were due while their module was still being polled.", .counter)
  static let lag = Family(
    "blupow_poll_lag_p99_seconds", "How late polls began, the slowest in a hundred of the last minutes.")
  static let strays = Family(
    "blupow_worker_strays", "Processes that workers left since the start: those that were killed, and those that live.")

  static let info = Family(
    "blupow_device_info", "1; what the device is, in the labels: those that are known.")
  static let status = Family(
    "blupow_device_status", "1 for the status that the device has, 0 for the others.")
  static let available = Family(
    "blupow_device_available", "1 while the last real readings are not too old to be shown, else 0.")
  static let age = Family("blupow_age_seconds", "Age of the last real readings; none before the first.")
  static let success = Family("blupow_success_rate_ratio", "Share of the last 100 polls that succeeded, 0 to 1.")
  static let availability = Family(
    "blupow_availability_ratio", "Share of the last 24 h that the device was available, 0 to 1.")
  static let failuresInRow = Family("blupow_consecutive_failures", "Polls that failed in a row, up to the last.")
  static let connect = Family(
    "blupow_connect_seconds", "From a worker's launch to its connection, in the last poll, if that succeeded.")
  static let connectMean = Family("blupow_connect_mean_seconds", "The same, the mean of the last successful polls.")
  static let poll = Family("blupow_poll_seconds", "What the last poll of the device's module took.")
  static let deadline = Family("blupow_deadline_seconds", "What the next poll may take.")
  static let interval = Family("blupow_interval_seconds", "From poll to poll, as configured.")
  static let signal = Family("blupow_rssi_dbm", "Signal of the module, where the last poll looked for it.")
  static let polls = Family("blupow_polls_total", "Polls of the device that ended, well or not.", .counter)
  static let failed = Family("blupow_polls_failed_total", "Polls of the device that failed, by the failure's class.", .counter)

  static let cpu = Family("process_cpu_seconds_total", "Time on a processor, of the service without its workers.", .counter)
  static let resident = Family("process_resident_memory_bytes", "Memory that the service has in use.")
  static let virtual = Family("process_virtual_memory_bytes", "Address space of the service.")
  static let descriptors = Family("process_open_fds", "Open descriptors of the service.")
  static let maxDescriptors = Family("process_max_fds", "How many it may have.")
  static let started = Family("process_start_time_seconds", "When it began, since 1970.")

  /// All that there are beside the readings'.
  static let families = [
    build, gateway, uptime, problem, problems, skipped, lag, strays, info, status, available, age, success, availability,
    failuresInRow, connect, connectMean, poll, deadline, interval, signal, polls, failed, cpu, resident, virtual, descriptors,
    maxDescriptors, started,
  ]

  private var page = Exposition()

  /// - Parameter counts: by device.
  static func text(_ fleet: FleetStatus, counts: [String: PollCounts], process: ProcessFootprint = ProcessFootprint()) -> String {
    var metrics = FleetMetrics()
    metrics.add(fleet)
    for device in fleet.devices { metrics.add(device, counts[device.name] ?? PollCounts()) }
    metrics.add(process)
    return metrics.page.text
  }

  private mutating func add(_ fleet: FleetStatus) {
    page.add(Self.build, 1, ["version": fleet.version])
    page.add(Self.gateway, 1, ["gateway": fleet.gateway])
    page.add(Self.uptime, fleet.uptime.seconds.rounded(to: 10))
    page.add(Self.problems, fleet.problems.count)
    for problem in fleet.problems {
      let module = fleet.devices.filter { $0.address == problem.address }
      let isTest = !module.isEmpty && module.allSatisfy(\.testMode)
      let labels: Exposition.Labels = [
        "name": problem.name.rawValue, "address": problem.address?.text, "adapter": problem.adapter,
        "test_mode": isTest ? "true" : nil,
      ]
      page.add(Self.problem, 1, labels)
    }
    page.add(Self.skipped, fleet.skippedPolls)
    page.add(Self.lag, fleet.lagP99.map { Double($0) / 1000 })
    page.add(Self.strays, fleet.strays)
  }

  private mutating func add(_ device: DeviceStatus, _ counts: PollCounts) {
    let own = [("device", device.name)] + (device.testMode ? [("test_mode", "true")] : [])
    add(infoOf: device, own)
    for status in Freshness.Status.allCases {
      page.add(Self.status, status == device.status ? 1 : 0, more: own + [("status", status.rawValue)])
    }
    page.add(Self.available, device.available ? 1 : 0, more: own)
    page.add(Self.age, device.age?.seconds.rounded(to: 1000), more: own)
    page.add(Self.success, device.successRate?.rounded(to: 10_000), more: own)
    page.add(Self.availability, device.availability?.rounded(to: 10_000), more: own)
    page.add(Self.failuresInRow, device.consecutiveFailures, more: own)
    page.add(Self.connect, device.connectMs.map { Double($0) / 1000 }, more: own)
    page.add(Self.connectMean, device.connectMsMean.map { ($0 / 1000).rounded(to: 10_000) }, more: own)
    page.add(Self.poll, device.pollMs.map { Double($0) / 1000 }, more: own)
    page.add(Self.deadline, device.deadline.seconds, more: own)
    page.add(Self.interval, device.interval?.seconds, more: own)
    page.add(Self.signal, device.rssi, more: own)
    page.add(Self.polls, counts.all, more: own)
    // Also those that have not been: a rise from nothing is seen only where there was a 0.
    for failure in Failure.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
      page.add(Self.failed, counts.failures[failure] ?? 0, more: own + [("class", failure.rawValue)])
    }
    for (key, metric) in ReadingMetric.of(device.profile) {
      guard let reading = device.readings[key], let sample = metric.sample(reading) else { continue }
      var labels = own
      if device.derived.contains(key) { labels.append(("derived", "true")) }
      if device.rawSign.contains(key) { labels.append(("raw_sign", "true")) }
      if let which = metric.label { labels.append((which.name, which.value)) }
      if let state = sample.state { labels.append(("state", state)) }
      page.add(metric.family, sample.value, more: labels)
    }
  }

  private mutating func add(infoOf device: DeviceStatus, _ own: [(String, String)]) {
    var labels = own + [("address", device.address.text), ("profile", device.profile)]
    if let unit = device.unit { labels.append(("unit", "\(unit)")) }
    for key in ReadingMetric.infoKeys {
      if case .text(let text) = device.readings[key]?.value {
        labels.append((key, text))
      } else if key == "model", let model = device.model {
        labels.append((key, model))
      }
    }
    page.add(Self.info, 1, more: labels)
  }

  private mutating func add(_ process: ProcessFootprint) {
    page.add(Self.cpu, process.cpu)
    page.add(Self.resident, process.residentBytes)
    page.add(Self.virtual, process.virtualBytes)
    page.add(Self.descriptors, process.descriptors)
    page.add(Self.maxDescriptors, process.maxDescriptors)
    page.add(Self.started, process.startedAt)
  }
}
