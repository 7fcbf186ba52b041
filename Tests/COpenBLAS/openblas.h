#include <cblas.h>

/* LAPACK, column-major. Debian's OpenBLAS has it, but ships no header for it. */
extern void sgesdd_(const char *jobz, const blasint *m, const blasint *n, float *a,
                    const blasint *lda, float *s, float *u, const blasint *ldu, float *vt,
                    const blasint *ldvt, float *work, const blasint *lwork, blasint *iwork,
                    blasint *info);
