/* A library outside of what a package was installed into. */
int outer_add(void);

static int outer;

int
outer_add(void)
{
    return __atomic_add_fetch(&outer, 1, __ATOMIC_RELAXED);
}
