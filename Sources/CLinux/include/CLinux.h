/* The Linux calls that Swift cannot import (variadic, macros, or absent from the Glibc module). Nothing here decides anything. */
#ifndef BLUPOW_CLINUX_H
#define BLUPOW_CLINUX_H

#include <stdint.h>
#include <sys/types.h>

/* ---- spawner ---- */

/* posix_spawn in a new session and process group: standard input, output and error are the three descriptors, every other
   descriptor is closed, every signal has its default action and none is blocked. Returns 0 and *pid, or an errno. */
int blupow_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int in, int out, int err);

/* pidfd_open(2): a descriptor (close-on-exec), or -errno. */
int blupow_pidfd_open(pid_t pid);

/* wait4(2) decoded. */
struct blupow_ended {
  int reaped;       /* 1 when a child was reaped, 0 when it still lives, -1 when there is none */
  int signal;       /* the signal that killed it, 0 when it exited */
  int exit_code;    /* its exit status when signal is 0 */
  int64_t cpu_us;   /* user + system time */
  int64_t peak_kib; /* peak resident memory */
};
struct blupow_ended blupow_reap(pid_t pid);

/* A close-on-exec pipe: [0] reads, [1] writes. 0, or an errno. */
int blupow_pipe(int fds[2]);

/* A close-on-exec, non-blocking eventfd, or -errno. */
int blupow_eventfd(void);

int blupow_set_nonblocking(int fd);

/* PR_SET_NAME for the calling thread. */
void blupow_name_thread(const char *name);

/* ---- clocks ---- */

/* CLOCK_BOOTTIME in nanoseconds: since the boot, suspend included. */
int64_t blupow_boot_time(void);

/* adjtimex(2): 1 where the kernel says that its wall clock is synchronised, else 0. */
int blupow_clock_is_synchronised(void);

/* PR_SET_CHILD_SUBREAPER: descendants whose parent ends become children of this process, not of PID 1. 0, or an errno. */
int blupow_adopt_orphans(void);

/* ---- worker ---- */

/* From now on SIGTERM (and SIGINT, SIGHUP) makes the returned descriptor readable and arms `alarm(1)` with its default action behind
   it. The handler runs even where the program is stuck, so a stuck worker dies a second later by itself. A descriptor or -errno. */
int blupow_catch_stop(void);

/* The program's own last bound: SIGALRM with its default action after that many milliseconds. */
void blupow_backstop(int64_t milliseconds);

/* PR_SET_PDEATHSIG: this process gets `signal` when the thread that spawned it dies. */
int blupow_die_with_parent(int signal);

/* ---- attribute links ---- */

/* A non-blocking, close-on-exec socket on an LE device's attribute channel (L2CAP, CID 4), whose connection is under way or made.
   Addresses are as they are written, most significant byte first; `adapter` may be NULL for any. `type` is 1 public, 2 random.
   The descriptor, or -errno. Once it is writable, blupow_socket_error says how the connection went. */
int blupow_att_connect(const uint8_t adapter[6], const uint8_t address[6], uint8_t type);

/* Whether such a socket can be had at all: 0, or an errno (EAFNOSUPPORT: not in this network namespace, or not allowed). */
int blupow_att_family(void);

/* The same to a unix socket of that path. */
int blupow_att_connect_unix(const char *path);

/* A non-blocking, close-on-exec unix socket of packets that listens at that path, or -errno. */
int blupow_att_listen(const char *path);

/* accept4(2) of one connection, non-blocking and close-on-exec: a descriptor, or -errno. */
int blupow_att_accept(int fd);

/* SO_ERROR: 0, or an errno. */
int blupow_socket_error(int fd);

/* The address of the Bluetooth adapter with that number (0 for hci0), most significant byte first. 0, or an errno: ENODEV where
   there is none, EAFNOSUPPORT where the kernel has no Bluetooth for this process. `is_up` is whether it is powered. */
int blupow_adapter_address(int number, uint8_t address[6], int *is_up);

/* ---- the service's socket ---- */

/* struct ucred: who made a connection, as the value of SO_PEERCRED. */
struct blupow_peer {
  int32_t pid;
  uint32_t uid;
  uint32_t gid;
};

/* Whether the user is a member of the group, by the host's user and group databases: 1, or 0 (also where nobody knows). */
int blupow_is_member(uint32_t uid, uint32_t gid);

/* Whether somebody listens for streams at that path: 0, or an errno (ECONNREFUSED: a socket without a listener). Does not wait. */
int blupow_unix_probe(const char *path);

#endif
