#include <string.h>

#include "muon_shims.h"

static _Thread_local char text[1024];

void muon_shim_set_last_error(const char *utf8, size_t length) {
  if (length > sizeof text - 1) {
    length = sizeof text - 1;
    while (length > 0 && ((unsigned char)utf8[length] & 0xC0) == 0x80) length--;
  }
  memcpy(text, utf8, length);
  /* It would end the text. A name or a key can have one, escaped. */
  for (size_t i = 0; i < length; i++)
    if (text[i] == '\0') text[i] = ' ';
  text[length] = '\0';
}

const char *muon_shim_last_error(void) { return text; }
