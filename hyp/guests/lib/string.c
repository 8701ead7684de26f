/* What the compiler may call. Built with -fno-tree-loop-distribute-patterns, or they would call
 * themselves. */
void *memset(void *to, int value, unsigned long size);
void *memcpy(void *to, const void *from, unsigned long size);

void *memset(void *to, int value, unsigned long size)
{
    for (char *t = to; size; size--)
        *t++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    char *t = to;

    for (const char *f = from; size; size--)
        *t++ = *f++;
    return to;
}
