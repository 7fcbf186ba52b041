/* Copies of matrices that lie otherwise. Included in passes.h once for each type, ELEMENT; COPY makes names of its
 * own for it. */
typedef ELEMENT COPY(vector) __attribute__((ext_vector_type(WIDTH)));

#ifndef LANES
#define LANES(...) __VA_ARGS__
/* Of each pair of lines whose numbers differ in the bit w, exchanges the lanes of the first that have the bit in
 * their numbers with those of the second that have it not. */
#define STAGE(w, first, second)                                                                  \
  for (int i = 0; i < WIDTH; i++) {                                                              \
    if (i & (w)) continue;                                                                       \
    const COPY(vector) a = lines[i], b = lines[i + (w)];                                         \
    lines[i] = __builtin_shufflevector(a, b, LANES first);                                       \
    lines[i + (w)] = __builtin_shufflevector(a, b, LANES second);                                \
  }
#endif

/* A square of vectors. Each line of the cache is read whole and written whole, at once: where strides are
 * powers of two, few lines of a column stay in the cache. */
static INLINE void COPY(transpose_square)(const ELEMENT *from, ptrdiff_t from_stride,
                                          ELEMENT *to, ptrdiff_t to_stride) {
  COPY(vector) lines[WIDTH];
  for (int i = 0; i < WIDTH; i++) memcpy(&lines[i], from + i * from_stride, sizeof lines[i]);
  STAGE(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
        (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  STAGE(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
        (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
  STAGE(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
  STAGE(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
        (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
  for (int i = 0; i < WIDTH; i++) memcpy(to + i * to_stride, &lines[i], sizeof lines[i]);
}

/* to_ij <- from_ji */
static void COPY(transpose)(ptrdiff_t rows, ptrdiff_t columns, const ELEMENT *from,
                            ptrdiff_t from_stride, ELEMENT *to, ptrdiff_t to_stride) {
  const ptrdiff_t whole_rows = rows - rows % WIDTH, whole_columns = columns - columns % WIDTH;
  for (ptrdiff_t j = 0; j < whole_columns; j += WIDTH)
    for (ptrdiff_t i = 0; i < whole_rows; i += WIDTH)
      COPY(transpose_square)(from + j * from_stride + i, from_stride, to + i * to_stride + j, to_stride);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
      to[i * to_stride + j] = from[j * from_stride + i];
}

static void COPY(pass_copy)(ptrdiff_t rows, ptrdiff_t columns, const ELEMENT *from,
                            ptrdiff_t from_row, ptrdiff_t from_column, ELEMENT *to,
                            ptrdiff_t to_row, ptrdiff_t to_column) {
  if (from_column == 1 && to_column == 1) {
    for (ptrdiff_t i = 0; i < rows; i++)
      memcpy(to + i * to_row, from + i * from_row, (size_t)columns * sizeof *to);
  } else if (from_row == 1 && to_column == 1) {
    COPY(transpose)(rows, columns, from, from_column, to, to_row);
  } else if (from_column == 1 && to_row == 1) {
    COPY(transpose)(columns, rows, from, from_row, to, to_column);
  } else {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t j = 0; j < columns; j++)
        to[i * to_row + j * to_column] = from[i * from_row + j * from_column];
  }
}
