/* An OpenBLAS whose SVD does not converge, with kernels for a processor of long ago. */

static int threads = 1;

void sgesdd_(char *jobz, int *m, int *n, float *a, int *lda, float *s, float *u, int *ldu, float *vt,
             int *ldvt, float *work, int *lwork, int *iwork, int *info) {
  (void)jobz, (void)m, (void)n, (void)a, (void)lda, (void)s, (void)u, (void)ldu, (void)vt;
  (void)ldvt, (void)work, (void)lwork, (void)iwork;
  *info = 1;
}

void cblas_sgemm(void) {}
const char *openblas_get_config(void) { return "OpenBLAS of a test"; }
const char *openblas_get_corename(void) { return "Prescott"; }
int openblas_get_num_threads(void) { return threads; }
void openblas_set_num_threads(int count) { threads = count; }
