import Glibc
import Supervisor

extension Child {
  /// Stopped, as one that hangs, once this returns: until SIGCONT.
  package func freeze() async {
    kill(SIGSTOP)
    while let state = Processes.state(of: pid), !"TZ".contains(state) { try? await Task.sleep(for: .milliseconds(2)) }
  }
}
