/* Writes struct params (harness.h): params SEED COUNT FLAGS FIRST FILE. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    uint64_t block[5] = {UINT64_C(0x5357454550303031)};

    if (argc != 6) {
        fprintf(stderr, "usage: params SEED COUNT FLAGS FIRST FILE\n");
        return 2;
    }
    for (int k = 1; k < 5; k++)
        block[k] = strtoull(argv[k], NULL, 0);
    FILE *f = fopen(argv[5], "wb");
    if (!f || fwrite(block, sizeof(block), 1, f) != 1 || fclose(f) != 0) {
        perror(argv[5]);
        return 2;
    }
    return 0;
}
