#define _GNU_SOURCE
#include "CLinux.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int blupow_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int rc = posix_spawn_file_actions_init(&actions);
  if (rc) return rc;
  rc = posix_spawnattr_init(&attributes);
  if (rc) {
    posix_spawn_file_actions_destroy(&actions);
    return rc;
  }
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, in, 0);
  if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, err, 2);
  if (!rc) rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!rc) rc = posix_spawnattr_setsigmask(&attributes, &none);
  if (!rc) rc = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!rc)
    rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!rc) rc = posix_spawn(pid, path, &actions, &attributes, argv, envp);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return rc;
}

int blupow_pidfd_open(pid_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : (int)fd;
}

struct blupow_ended blupow_reap(pid_t pid) {
  struct blupow_ended ended;
  struct rusage usage;
  int status = 0;
  memset(&ended, 0, sizeof ended);
  memset(&usage, 0, sizeof usage);
  pid_t got;
  do {
    got = wait4(pid, &status, WNOHANG, &usage);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    ended.reaped = got < 0 ? -1 : 0;
    return ended;
  }
  ended.reaped = 1;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  ended.cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
                 usage.ru_stime.tv_usec;
  ended.peak_kib = usage.ru_maxrss;
  return ended;
}

int blupow_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC) ? errno : 0; }

int blupow_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int blupow_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? errno : 0;
}

void blupow_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int64_t blupow_boot_time(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int blupow_clock_is_synchronised(void) {
  struct timex state;
  memset(&state, 0, sizeof state);
  int got = adjtimex(&state); /* modes 0: only asks */
  return got >= 0 && got != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int blupow_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1) ? errno : 0; }

static int stop_fd = -1;

static void stop(int signal) {
  (void)signal;
  int saved = errno;
  const uint64_t one = 1;
  if (write(stop_fd, &one, sizeof one) < 0) { /* the counter is full: it is readable already */
  }
  alarm(1);
  errno = saved;
}

int blupow_catch_stop(void) {
  stop_fd = blupow_eventfd();
  if (stop_fd < 0) return stop_fd;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = stop;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART; /* poll(2) is never restarted, so every wait of ours still ends */
  if (sigaction(SIGTERM, &action, 0) || sigaction(SIGINT, &action, 0) || sigaction(SIGHUP, &action, 0)) return -errno;
  signal(SIGPIPE, SIG_IGN);
  return stop_fd;
}

void blupow_backstop(int64_t milliseconds) {
  struct itimerval timer;
  memset(&timer, 0, sizeof timer);
  timer.it_value.tv_sec = milliseconds / 1000;
  timer.it_value.tv_usec = (milliseconds % 1000) * 1000;
  setitimer(ITIMER_REAL, &timer, 0);
}

int blupow_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal) ? errno : 0; }

/* The kernel's own layout; its header comes with libbluetooth, which is not needed for three structures. */
enum { bluetooth_family = 31, protocol_l2cap = 0, protocol_hci = 1, attribute_channel = 4, le_public = 1 };

struct l2cap_address {
  uint16_t family;
  uint16_t psm;        /* little-endian; 0: a fixed channel is meant */
  uint8_t address[6];  /* least significant byte first */
  uint16_t channel;    /* little-endian */
  uint8_t type;
};
_Static_assert(sizeof(struct l2cap_address) == 14, "sockaddr_l2");

struct adapter {
  uint16_t number;
  char name[8];
  uint8_t address[6];
  uint32_t flags;    /* bit 0: it is up */
  uint8_t rest[124]; /* counters: more than any kernel writes */
};
_Static_assert(offsetof(struct adapter, flags) == 16, "struct hci_dev_info");

static void reversed(uint8_t to[6], const uint8_t from[6]) {
  for (int i = 0; i < 6; i++) to[i] = from[5 - i];
}

static struct l2cap_address attribute_address(const uint8_t *address, uint8_t type) {
  struct l2cap_address to;
  memset(&to, 0, sizeof to);
  to.family = bluetooth_family;
  to.channel = htole16(attribute_channel);
  to.type = type;
  if (address) reversed(to.address, address);
  return to;
}

/* Under way is no error. */
static int connecting(int fd, const void *to, socklen_t length) {
  if (connect(fd, to, length) == 0 || errno == EINPROGRESS || errno == EINTR) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int blupow_att_connect(const uint8_t *adapter, const uint8_t *address, uint8_t type) {
  int fd = socket(bluetooth_family, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol_l2cap);
  if (fd < 0) return -errno;
  struct l2cap_address from = attribute_address(adapter, le_public), to = attribute_address(address, type);
  if (bind(fd, (const struct sockaddr *)&from, sizeof from)) {
    int error = errno;
    close(fd);
    return -error;
  }
  return connecting(fd, &to, sizeof to);
}

int blupow_att_family(void) {
  int fd = socket(bluetooth_family, SOCK_SEQPACKET | SOCK_CLOEXEC, protocol_l2cap);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

static int unix_socket(const char *path, struct sockaddr_un *at) {
  memset(at, 0, sizeof *at);
  at->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof at->sun_path) return -ENAMETOOLONG;
  strcpy(at->sun_path, path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

int blupow_att_connect_unix(const char *path) {
  struct sockaddr_un at;
  int fd = unix_socket(path, &at);
  return fd < 0 ? fd : connecting(fd, &at, sizeof at);
}

int blupow_att_listen(const char *path) {
  struct sockaddr_un at;
  int fd = unix_socket(path, &at);
  if (fd < 0) return fd;
  if (bind(fd, (const struct sockaddr *)&at, sizeof at) || listen(fd, 16)) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int blupow_att_accept(int fd) {
  int made = accept4(fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return made < 0 ? -errno : made;
}

int blupow_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? errno : error;
}

int blupow_adapter_address(int number, uint8_t *address, int *is_up) {
  int fd = socket(bluetooth_family, SOCK_RAW | SOCK_CLOEXEC, protocol_hci);
  if (fd < 0) return errno;
  struct adapter adapter;
  memset(&adapter, 0, sizeof adapter);
  adapter.number = (uint16_t)number;
  int error = ioctl(fd, _IOR('H', 211, int), &adapter) ? errno : 0; /* HCIGETDEVINFO: needs no privilege */
  close(fd);
  if (!error) reversed(address, adapter.address);
  *is_up = !error && (adapter.flags & 1);
  return error;
}

_Static_assert(sizeof(struct blupow_peer) == sizeof(struct ucred), "struct ucred");

int blupow_is_member(uint32_t uid, uint32_t gid) {
  struct passwd entry, *found = 0;
  char text[16384];
  if (getpwuid_r(uid, &entry, text, sizeof text, &found) || !found) return 0;
  int room = 64, count = room;
  gid_t *groups = 0;
  for (;;) {
    gid_t *more = realloc(groups, (size_t)room * sizeof *groups);
    if (!more) break;
    groups = more;
    count = room;
    if (getgrouplist(found->pw_name, found->pw_gid, groups, &count) >= 0) break;
    /* The kernel's own bound is 65536. */
    if (room >= 65536) break;
    room = count > room ? count : room * 2;
  }
  int member = 0;
  for (int i = 0; groups && i < count && i < room; i++) member |= groups[i] == gid;
  free(groups);
  return member;
}

int blupow_unix_probe(const char *path) {
  struct sockaddr_un at;
  memset(&at, 0, sizeof at);
  at.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof at.sun_path) return ENAMETOOLONG;
  strcpy(at.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  /* EAGAIN: so many wait already that one more has no room. */
  int error = connect(fd, (const struct sockaddr *)&at, sizeof at) == 0 || errno == EAGAIN ? 0 : errno;
  close(fd);
  return error;
}
