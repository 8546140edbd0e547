import Foundation
import Policy
import Publishers
import Readings
import Store

extension HistoryRoutes {
  /// Of a history that is written meanwhile.
  ///
  /// - Parameters:
  ///   - reader: `nil`: none is kept.
  ///   - fleet: the devices that are configured: of one without a past there is an empty one.
  init(_ reader: HistoryReader?, fleet: @escaping @Sendable () async -> [DeviceStatus]) {
    self.init(
      curves: { question in
        await Self.find(question, reader, await fleet(), none: .curves([])) { reader, device throws(StoreError) in
          let spans = try reader.series(
            device: device.id, keys: question.keys, from: question.from, to: question.to, points: question.points)
          return HistoryDocument(
            question, isSimulated: device.isSimulated, from: spans.from, width: spans.width, gap: spans.gap,
            .curves(spans.content.map(HistoryDocument.Curve.init)))
        }
      },
      polls: { question in
        await Self.find(question, reader, await fleet(), none: .polls([])) { reader, device throws(StoreError) in
          let spans = try reader.outcomes(device: device.id, from: question.from, to: question.to, points: question.points)
          return HistoryDocument(
            question, isSimulated: device.isSimulated, from: spans.from, width: spans.width, gap: spans.gap,
            .polls(spans.content.map(HistoryDocument.Outcome.init)))
        }
      })
  }

  private static func find(
    _ question: HistoryQuestion, _ reader: HistoryReader?, _ fleet: [DeviceStatus], none: HistoryDocument.Content,
    _ read: @escaping @Sendable (HistoryReader, HistoryDevice) throws(StoreError) -> HistoryDocument
  ) async -> Found {
    guard let reader else { return .nothing("No history is kept: nothing says where (state_dir).") }
    return await onOwnThread {
      let configured = fleet.first { $0.name == question.device }
      do throws(StoreError) {
        let known = try reader.devices()
        // A name may have been another device's; what it is is told by its address and unit.
        let device = known.last { device in
          guard let configured else { return device.name == question.device }
          return device.address == configured.address.text && device.unit == configured.unit
            && device.isSimulated == configured.testMode
        }
        if let device { return .document(try read(reader, device)) }
        guard configured == nil else { return empty(question, configured, none) }
        return .noDevice(known.map(\.name))
      } catch {
        if case .absent = error.cause { return configured == nil ? .noDevice([]) : empty(question, configured, none) }
        // Where it is kept is no business of other hosts.
        return .nothing("The history cannot be read for now; `blupow doctor` says why.")
      }
    }
  }

  private static func empty(_ question: HistoryQuestion, _ device: DeviceStatus?, _ content: HistoryDocument.Content) -> Found {
    let width = Duration.seconds(question.to.timeIntervalSince(question.from) / Double(question.points))
    return .document(
      HistoryDocument(question, isSimulated: device?.testMode ?? false, width: width, gap: width, content))
  }
}

extension HistoryDocument.Curve {
  fileprivate init(_ curve: HistoryCurve) {
    self.init(
      key: curve.key.key, unit: curve.key.unit, isDerived: curve.key.isDerived, isRawSign: curve.key.isRawSign,
      points: curve.points.map { Point(at: $0.time, min: $0.min, mean: $0.mean, max: $0.max, count: $0.count) })
  }
}

extension HistoryDocument.Outcome {
  fileprivate init(_ outcome: HistoryOutcome) {
    self.init(
      at: outcome.time, good: outcome.good, failed: outcome.failed, connectMsMean: outcome.connectMsMean,
      pollMsMean: outcome.pollMsMean, deadline: outcome.deadline)
  }
}
