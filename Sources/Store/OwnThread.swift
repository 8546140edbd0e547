import Glibc

/// Runs what waits for a disk on a thread of its own: Swift's are as many as there are processors, and all modules' polls need them.
package func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    let order = Unmanaged.passRetained(Order { continuation.resume(returning: work()) })
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Order>.fromOpaque(argument).takeRetainedValue().work() }
        return nil
      }, order.toOpaque())
    guard failure == 0 else { return order.takeRetainedValue().work() }  // no thread is to be had: then here
    pthread_detach(thread)
  }
}

private final class Order: Sendable {
  let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}
