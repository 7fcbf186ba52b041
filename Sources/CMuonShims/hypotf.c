/* glibc 2.35 has a version of its own of hypotf, which Swift's module of glibc refers to and nobody here calls. Without
 * this, which takes its place in the library, the library would need that glibc; with it, 2.34 will do. */
#include <math.h>

__attribute__((__visibility__("hidden"))) float hypotf(float x, float y);

float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}
