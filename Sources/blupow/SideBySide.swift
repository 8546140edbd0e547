import ServiceLifecycle

/// Services that are told to end at the same time. A group tells one after the other, and what each needs for its end would add up.
struct SideBySide: Service {
  private let services: [any Service]

  init(_ services: any Service...) { self.services = services }

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run() } }
      try await group.waitForAll()
    }
  }
}
