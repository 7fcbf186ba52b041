/* Every kernel of the tables that this processor has, against plain loops in float64, on sizes that
 * nothing divides. Those that it has not are named, and skipped. */
#include "check.h"

int failures;

int main(void) {
  check_amx();
  check_products();
  check_passes();
  check_halves();
  if (failures) printf("%d checks failed\n", failures);
  return failures != 0;
}
