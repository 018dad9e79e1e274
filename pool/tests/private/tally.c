/* A library that a wheel brings along: its state is the process's. */
int tally_add(void);
int *tally_unique(void);

static int tally;

int
tally_add(void)
{
    return ++tally;
}

/* One per process whatever is loaded how often, as inline variables of C++ are with GCC. */
__asm__(".globl tally_single\n"
        ".type tally_single, @gnu_unique_object\n"
        ".size tally_single, 4\n"
        ".data\n"
        ".balign 4\n"
        "tally_single: .long 0\n"
        ".text\n");
extern int tally_single;

int *
tally_unique(void)
{
    return &tally_single;
}
