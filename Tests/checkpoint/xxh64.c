/* XXH64 with seed 0, after the specification of xxHash; for the tests, apart from the library's own. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }
static uint64_t lane(uint64_t acc, uint64_t word) { return rotl(acc + word * P2, 31) * P1; }
static uint64_t load(const unsigned char *at, size_t bytes) {
  uint64_t word = 0;
  memcpy(&word, at, bytes);
  return word;
}

uint64_t xxh64(const unsigned char *at, size_t count) {
  const unsigned char *end = at + count;
  uint64_t h = P5;
  if (count >= 32) {
    uint64_t v[4] = {P1 + P2, P2, 0, 0 - P1};
    static const int turns[4] = {1, 7, 12, 18};
    for (; end - at >= 32; at += 32)
      for (int i = 0; i < 4; i++) v[i] = lane(v[i], load(at + 8 * i, 8));
    h = 0;
    for (int i = 0; i < 4; i++) h += rotl(v[i], turns[i]);
    for (int i = 0; i < 4; i++) h = (h ^ lane(0, v[i])) * P1 + P4;
  }
  h += count;
  for (; end - at >= 8; at += 8) h = rotl(h ^ lane(0, load(at, 8)), 27) * P1 + P4;
  if (end - at >= 4) h = rotl(h ^ load(at, 4) * P1, 23) * P2 + P3, at += 4;
  for (; at < end; at++) h = rotl(h ^ *at * P5, 11) * P1;
  h = (h ^ h >> 33) * P2;
  h = (h ^ h >> 29) * P3;
  return h ^ h >> 32;
}
