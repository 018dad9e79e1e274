/* type_slots.h - the slots of one conversion. */
#ifndef EXTSHIM_TYPE_SLOTS_H
#define EXTSHIM_TYPE_SLOTS_H

#include "internal.h"

/* 24 type, 35 number, 8 sequence, 3 mapping, 4 async, 2 buffer slots, 5 treated apart, the end. */
enum { EXTSHIM_SLOTS_MAX = 96 };

struct extshim_slots {
    PyType_Slot items[EXTSHIM_SLOTS_MAX];
    int count;
};

EXTSHIM_HIDDEN void extshim_slots_add(struct extshim_slots *slots, int slot, void *value);
/* Adds everything that is copied unchanged. */
EXTSHIM_HIDDEN void extshim_slots_from_static(struct extshim_slots *slots,
                                              const PyTypeObject *from);

#endif /* EXTSHIM_TYPE_SLOTS_H */
