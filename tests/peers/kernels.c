// What the runtime's inner loops are compared with: the same work as plain C, for gcc -O2 -march=native.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A bitmap of words, read through.
uint64_t peer_read_bitmap(const uint64_t *words, size_t count)
{
    uint64_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= words[i];
    return any;
}

int peer_is_zero(const uint8_t *page, size_t length)
{
    const uint64_t *words = (const uint64_t *)page;
    if (words[0] | words[length / 8 - 1])
        return 0;
    for (size_t i = 0; i < length / 8; i += 32) {
        uint64_t any = 0;
        for (size_t k = 0; k < 32; k++)
            any |= words[i + k];
        if (any)
            return 0;
    }
    return 1;
}

static size_t put_length(uint8_t *to, size_t length)
{
    if (length < 0x80) {
        to[0] = (uint8_t)length;
        return 1;
    }
    to[0] = (uint8_t)(length | 0x80);
    to[1] = (uint8_t)(length >> 7);
    return 2;
}

static int mask_of(const uint8_t *old, const uint8_t *new, size_t length, uint64_t *mask)
{
    int any = 0;
    for (size_t i = 0; i < length / 64; i++) {
        // A mask by the compiler's own vectors: a byte compare of 64, packed to bits.
        typedef uint8_t bytes __attribute__((vector_size(64)));
        bytes a, b;
        memcpy(&a, old + 64 * i, 64);
        memcpy(&b, new + 64 * i, 64);
#ifdef __AVX512BW__
        mask[i] = __builtin_ia32_ucmpb512_mask((__attribute__((vector_size(64))) char)a, (__attribute__((vector_size(64))) char)b, 4, ~0ULL);
#else
        uint64_t bits = 0;
        for (int k = 0; k < 64; k++)
            bits |= (uint64_t)(a[k] != b[k]) << k;
        mask[i] = bits;
#endif
        any |= mask[i] != 0;
    }
    return any;
}

// QEMU's difference (docs/qemu-migration.md 5.4): bytes written, 0 for the same page, -1 if it does not fit.
int peer_xbzrle(const uint8_t *old, const uint8_t *new, uint8_t *out, size_t length)
{
    uint64_t mask[1024];
    size_t words = length / 64, at = 0, end = 0;
    if (!mask_of(old, new, length, mask))
        return 0;
    for (size_t i = 0; i < words;) {
        uint64_t word = mask[i];
        if (end > 64 * i)
            word = end >= 64 * (i + 1) ? 0 : word & ~0ULL << (end & 63);
        if (!word) {
            i++;
            continue;
        }
        size_t start = 64 * i + (size_t)__builtin_ctzll(word), stop;
        uint64_t equal = ~(word | ((word & -word) - 1));
        size_t k = i;
        while (!equal && ++k < words)
            equal = ~mask[k];
        stop = k == words ? length : 64 * k + (size_t)__builtin_ctzll(equal);
        if (at + 4 + stop - start > length)
            return -1;
        at += put_length(out + at, start - end);
        at += put_length(out + at, stop - start);
        if (stop - start <= 8 && start + 8 <= length && at + 8 <= length)
            memcpy(out + at, new + start, 8);
        else
            memcpy(out + at, new + start, stop - start);
        at += stop - start;
        end = stop;
    }
    return (int)at;
}
