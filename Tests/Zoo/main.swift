import CLinux
import Glibc
import Readings

// Workers that misbehave: the first argument names the animal. All of them but `never_reads_stdin` read the request line first.

guard CommandLine.arguments.count > 1, let animal = Animal(rawValue: CommandLine.arguments[1]) else {
  let names = Animal.allCases.map(\.rawValue).joined(separator: " ")
  Animal.write("usage: zoo ANIMAL\n\(names)\n", to: 2)
  exit(64)
}
// As a real worker does: no animal outlives an interrupted test, and one that a passing thread had spawned would die early.
// One that is born to outlive its parent has two minutes, should the test that is to find it gone fail.
if CommandLine.arguments.contains("outlives_its_parent") { alarm(120) } else { blupow_die_with_parent(SIGKILL) }
// `release` after a kill comes as a request of its own: every animal frees its link well, unless it is told to fail that too.
let request = animal == .never_reads_stdin ? nil : Animal.readRequest()
if let request, case .release = request.job {
  Animal.release(request, well: !CommandLine.arguments.contains("release_fails"))
}
animal.perform(request)
