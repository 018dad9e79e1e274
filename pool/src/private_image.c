#if defined(__linux__)
#define _GNU_SOURCE
#include "private_image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

#define FEWEST_PAGES 16         /* sharing less would cost more in mappings than it saves */
#define SPELLING_SIZE 70        /* of 32 bits, see image_spell() */
#define NAME_DIGITS ((size_t)6) /* base 62 of 32 bits */

static void
image_fail(char *error, size_t size, const char *what)
{
    snprintf(error, size, "%s: %s", what, strerror(errno));
}

/* The dynamic linker knows what is loaded by the text of its path. This spells `number` between two
 * components of a path so that the text is new and the path the same. */
static void
image_spell(unsigned number, char *spelling)
{
    do {
        if (number & 1) {
            *spelling++ = '.';
        }
        *spelling++ = '/';
        number >>= 1;
    } while (number);
    *spelling = '\0';
}

/* ---- making the copy ---- */

static int
image_memory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char name[100];
    snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) { /* a kernel that does not know MFD_EXEC */
        fd = memfd_create(name, MFD_CLOEXEC);
    }
    return fd;
}

static int
image_fill(struct private_image *image, char *error, size_t size)
{
    struct stat status;
    if (fstat(image->original, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
        snprintf(error, size, "it is not a regular file with something in it");
        return -1;
    }
    image->size = (size_t)status.st_size;
    if (ftruncate(image->copy, status.st_size) < 0) {
        image_fail(error, size, "no memory for a copy");
        return -1;
    }
    size_t done = 0;
    while (done < image->size) {
        ssize_t some = sendfile(image->copy, image->original, NULL, image->size - done);
        if (some < 0 && errno == EINTR) {
            continue;
        }
        if (some <= 0) {
            errno = some == 0 ? EIO : errno;
            image_fail(error, size, "it cannot be copied");
            return -1;
        }
        done += (size_t)some;
    }
    /* The inode lives as long as the image, so its number serves as the image's. */
    if (fstat(image->copy, &status) < 0) {
        image_fail(error, size, "the copy cannot be examined");
        return -1;
    }
    image->number = (unsigned)status.st_ino;
    return 0;
}

static int
image_parse(struct private_image *image, char *error, size_t size)
{
    size_t pages = image->size / (size_t)sysconf(_SC_PAGESIZE) + 1;
    image->touched = calloc(pages, 1);
    void *data = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, image->copy, 0);
    if (data == MAP_FAILED || !image->touched) {
        image_fail(error, size, "no memory for a copy");
        return -1;
    }
    const char *problem = private_elf_open(&image->elf, data, image->size);
    if (problem) {
        snprintf(error, size, "%s", problem);
        return -1;
    }
    return 0;
}

struct private_image *
private_image_open(const char *path, char *error, size_t size)
{
    struct private_image *image = calloc(1, sizeof(*image));
    if (!image) {
        snprintf(error, size, "no memory");
        return NULL;
    }
    image->path = strdup(path);
    image->original = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    image->copy = -1;
    if (image->original < 0 || !image->path) {
        image_fail(error, size, "it cannot be read");
    }
    else if ((image->copy = image_memory(path)) < 0) {
        image_fail(error, size, "memfd_create() gives no executable memory");
    }
    else if (image_fill(image, error, size) == 0 && image_parse(image, error, size) == 0) {
        return image;
    }
    private_image_close(image);
    return NULL;
}

void
private_image_close(struct private_image *image)
{
    if (image->elf.data) {
        munmap(image->elf.data, image->size);
    }
    if (image->original >= 0) {
        close(image->original);
    }
    if (image->copy >= 0) {
        close(image->copy);
    }
    free(image->touched);
    free(image->path);
    free(image);
}

/* ---- names ---- */

int
private_image_name(unsigned number, char *name)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(name);
    if (length < NAME_DIGITS) {
        return -1;
    }
    for (size_t i = 1; i <= NAME_DIGITS; i++) {
        name[length - i] = digits[number % 62];
        number /= 62;
    }
    return 0;
}

static void
image_touch(void *context, size_t offset, size_t length)
{
    struct private_image *image = context;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t at = offset / page; length > 0 && at <= (offset + length - 1) / page; at++) {
        image->touched[at] = 1;
    }
}

const char *
private_image_rename(struct private_image *image, const char *name, const char *other)
{
    return private_elf_rename(&image->elf, name, other, image_touch, image);
}

/* ---- loading ---- */

/* Code and constants of the copy equal the original's: maps the original there, as if it had been
 * loaded, and gives the copy's memory back. What cannot be shared stays as it is. */
static void
image_share_pages(const struct private_image *image, const ElfW(Phdr) * segment, ElfW(Addr) base)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t end = (size_t)(segment->p_offset + segment->p_filesz) / page;
    int protection = PROT_READ | (segment->p_flags & PF_X ? PROT_EXEC : 0);
    size_t first = (size_t)segment->p_offset / page;
    ElfW(Addr) start = base + (segment->p_vaddr & ~(ElfW(Addr))(page - 1));
    for (size_t at = first; at < end; at++) {
        size_t count = 0;
        while (at + count < end && !image->touched[at + count]) {
            count++;
        }
        if (count >= FEWEST_PAGES) {
            void *place = (void *)(start + (at - first) * page); /* NOLINT: an address */
            void *mapped = mmap(place, count * page, protection, MAP_PRIVATE | MAP_FIXED,
                                image->original, (off_t)(at * page));
            if (mapped != MAP_FAILED) {
                fallocate(image->copy, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          (off_t)(at * page), (off_t)(count * page));
            }
        }
        at += count;
    }
}

/* dladdr(), debuggers and profilers read this name; it is the original's path, spelled as nobody
 * spells it who asks the dynamic linker for the original. */
static char *
image_label(const struct private_image *image)
{
    const char *slash = strrchr(image->path, '/');
    size_t length = strlen(image->path) + SPELLING_SIZE + 2;
    char *label = slash ? malloc(length) : NULL;
    if (label) {
        char spelling[SPELLING_SIZE];
        image_spell(image->number, spelling);
        snprintf(label, length, "%.*s/%s%s", (int)(slash - image->path), image->path, spelling,
                 slash + 1);
    }
    return label;
}

static void
image_settle(struct private_image *image, struct link_map *map, char *label)
{
    int separate = private_elf_has_text_relocations(&image->elf);
    for (size_t i = 0; i < image->elf.segment_count && !separate; i++) {
        const ElfW(Phdr) *segment = &image->elf.segments[i];
        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W)) {
            image_share_pages(image, segment, map->l_addr);
        }
    }
    map->l_name = label; /* the old one may be in somebody's hands: it is not freed */
}

void *
private_image_load(struct private_image *image, int flags, char *error, size_t size)
{
    char spelling[SPELLING_SIZE];
    char path[SPELLING_SIZE + 60];
    const struct private_elf *elf = &image->elf;
    private_elf_split_unique(&image->elf, image_touch, image);
    image_touch(image, (size_t)((const unsigned char *)elf->segments - elf->data),
                elf->segment_count * sizeof(*elf->segments)); /* still read while pages go */
    image_spell(image->number, spelling);
    snprintf(path, sizeof(path), "/proc/self/fd/%s%d", spelling, image->copy);
    char *label = image_label(image);
    void *handle = label ? dlopen(path, flags) : NULL;
    if (!handle) {
        const char *reason = label ? dlerror() : "no memory";
        snprintf(error, size, "%s", reason ? reason : "dlopen() failed");
        free(label);
        return NULL;
    }
    struct link_map *map;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) {
        image_settle(image, map, label);
    }
    else {
        free(label);
    }
    return handle;
}

int
private_image_alias(void *handle, const char *alias)
{
    struct link_map *map;
    char *name = strdup(alias);
    if (!name || dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0) {
        free(name);
        return -1;
    }
    map->l_name = name;
    return 0;
}
#endif
