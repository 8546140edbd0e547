/* Loaded before a program (LD_PRELOAD), this stands in for the host's wall clock. STAND_IN_CLOCK says how it is: `synchronised`, `adrift`
   (right, and not synchronised) or `unset` (as a machine without a battery begins). */
#ifndef STAND_IN_CLOCK_H
#define STAND_IN_CLOCK_H

#include <sys/timex.h>

int adjtimex(struct timex *state);

#endif
