/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): SSE 4.2 where the processor
 * has it, a table elsewhere; both are tested against each other.
 */
#pragma once

#include "base/slice.h"

/* Start with crc 0; feed pieces in order. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The table version, for the test. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);
