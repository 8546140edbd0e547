/* Loaded before a program (LD_PRELOAD), this makes a call into the host stand still in a process that lives on, while there is the file
   that STAND_IN_STALL names. What its name ends with says which call: `spawn` (posix_spawn, as where the worker's binary is on a hung
   disk) or `clock` (adjtimex). */
#ifndef STAND_IN_STALL_H
#define STAND_IN_STALL_H

#include <sys/timex.h>

int adjtimex(struct timex *state);

#endif
