/* A second, third, ... image of one shared object in one process. The copy lives in memory that has
 * no name anywhere, so nothing is left behind however the process ends. No Python here. */
#ifndef EXTPOOL_PRIVATE_IMAGE_H
#define EXTPOOL_PRIVATE_IMAGE_H

#include <stddef.h>

#include "private_elf.h"

#define PRIVATE_IMAGE_ERROR 600 /* bytes that hold a reason */

struct private_image {
    char *path;
    int original; /* file descriptors */
    int copy;
    unsigned number; /* that no other image has which is loaded */
    size_t size;     /* bytes */
    struct private_elf elf;
    unsigned char *touched; /* one per page: its copy differs from the original */
};

/* Copies the file. NULL and a reason in `error` when that fails. Takes time, waits for the disk. */
struct private_image *private_image_open(const char *path, char *error, size_t size);

/* Changes `name` into one of the same length that only the image with this number has. Returns -1
 * when it is too short. */
int private_image_name(unsigned number, char *name);

/* Gives another name to the image itself (DT_SONAME) and to what it needs (DT_NEEDED).
 * Returns NULL or why it cannot. */
const char *private_image_rename(struct private_image *image, const char *name, const char *other);

/* Loads the copy; what it needs by other names must be loaded already. Afterwards pages that equal
 * the original's are shared with it, and debuggers find the image under the original's path.
 * Returns a handle for dlsym(), which is never closed: nobody knows what still points into an
 * extension module. */
void *private_image_load(struct private_image *image, int flags, char *error, size_t size);

/* Has the dynamic linker know a loaded image by that name, for others that need it; an image that
 * has a DT_SONAME is known by that as well. Returns -1 without memory. */
int private_image_alias(void *handle, const char *alias);

/* Ends the copying; what was loaded stays. */
void private_image_close(struct private_image *image);

#endif
