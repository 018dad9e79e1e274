/* Comments addressed to the checker, as facts with the lines they cover. */
#ifndef EXTCHECK_SOURCE_COMMENTS_H
#define EXTCHECK_SOURCE_COMMENTS_H

#include "source/walk/unit.h"

/* Call when the functions and variables of the file stand in the store: scopes refer to them. */
void comments_write(struct unit *u, struct unit_file *file);

#endif
