/* A native program of one thread that computes for about a second. */
#include <stdio.h>

int main(void) {
    unsigned value = 1;
    for (unsigned step = 0; step < 300000000u; step++) value = value * 1664525u + 1013904223u + (value >> 16);
    printf("%u\n", value);
    return 0;
}
