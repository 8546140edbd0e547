#define _GNU_SOURCE
#include "StandInClock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int is(const char *word) {
  const char *wish = getenv("STAND_IN_CLOCK");
  return wish && !strcmp(wish, word);
}

int adjtimex(struct timex *state) {
  memset(state, 0, sizeof *state);
  if (is("synchronised")) return TIME_OK;
  state->status = STA_UNSYNC;
  return TIME_ERROR;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int got = syscall(SYS_clock_gettime, clock, now);
  /* Some minutes after the beginning of 1970. */
  if (!got && clock == CLOCK_REALTIME && is("unset")) now->tv_sec = 500;
  return got;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  int got = clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return got;
}
