#ifndef PROJECT_H
#define PROJECT_H
static int from_header;
static inline int
helper(void)
{
    return from_header++;
}
int missing_one(void);
#endif
