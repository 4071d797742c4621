/* The few string functions the object needs, and libc's way of reporting an error. */
#include "base.h"

void *memcpy(void *to, const void *from, u64 size)
{
#ifdef __x86_64__
    void *end = to;
    __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
#else
    u8 *out = to;
    const u8 *in = from;
    while (size--)
        *out++ = *in++;
#endif
    return to;
}

void *memmove(void *to, const void *from, u64 size)
{
    u8 *out = to;
    const u8 *in = from;
    if (out <= in || out >= in + size)
        return memcpy(to, from, size);
    while (size--)
        out[size] = in[size];
    return to;
}

void *memset(void *to, int byte, u64 size)
{
    u8 *out = to;
    while (size--)
        *out++ = (u8)byte;
    return to;
}

int memcmp(const void *left, const void *right, u64 size)
{
    const u8 *a = left, *b = right;
    for (; size; size--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

u64 strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (u64)(end - text);
}

int strcmp(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return (u8)*left - (u8)*right;
}

bool starts_with(const char *text, const char *start)
{
    while (*start)
        if (*text++ != *start++)
            return false;
    return true;
}

char *write_decimal(char *to, u64 number)
{
    char digits[20];
    u32 count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

long libc_result(long raw)
{
    if (raw >= 0 || raw < -4095)
        return raw;
    if (__errno_location)
        *__errno_location() = (int)-raw;
    return -1;
}

long refuse(void)
{
    return libc_result(-ENOSYS);
}
