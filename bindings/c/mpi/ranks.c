/* A least-squares problem, trained by Muon. ranks.c is the same program on several machines: five lines differ. */
#include <muon_mpi.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 240, INPUTS = 48, OUTPUTS = 32, COUNT = INPUTS * OUTPUTS, STEPS = 100 };

static float w[COUNT], grad[COUNT];

/* What row r of the data has as its input i, and what w is to become. */
static float input(int r, int i) { return (float)((r * 31 + i * i * 17 + r * i) % 101 - 50) / 50; }
static float target(int i, int o) { return (float)((i * 7 + o * 13) % 19 - 9) / 9; }

/* The gradient of half the mean squared error over rows first, first + step, ... of all; returns their part of
 * the error. */
static double gradient(int first, int step) {
  double error = 0;
  memset(grad, 0, sizeof grad);
  for (int r = first; r < ROWS; r += step)
    for (int o = 0; o < OUTPUTS; o++) {
      float difference = 0;
      for (int i = 0; i < INPUTS; i++) difference += input(r, i) * (w[i * OUTPUTS + o] - target(i, o));
      for (int i = 0; i < INPUTS; i++) grad[i * OUTPUTS + o] += difference * input(r, i) / ROWS;
      error += (double)difference * difference / ROWS;
    }
  return error;
}

static int failed(void) { return fprintf(stderr, "%s\n", muon_last_error()), 1; }

int main(int argc, char **argv) {
  const int64_t shape[2] = {INPUTS, OUTPUTS};
  muon_optimizer *muon;
  muon_param param;
  if (argc > 1) return fprintf(stderr, "%s takes no arguments\n", argv[0]), 1;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &(int){0});
  muon_param_set(&param, "w", w, grad, 2, shape);
  if (muon_optimizer_create_muon(NULL, &muon)) return failed();
  if (muon_optimizer_add_param(muon, 0, &param, NULL)) return failed();
  muon_mpi_link *link; if (muon_mpi_attach(muon, MPI_COMM_WORLD, 60, &link)) return failed();
  for (int step = 0; step < STEPS; step++) {
    gradient(link->rank, link->rank_count); MPI_Allreduce(MPI_IN_PLACE, grad, COUNT, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    if (muon_optimizer_set_lr(muon, 0, 0.4 * (STEPS - step) / STEPS)) return failed();
    if (muon_optimizer_step(muon)) return failed();
  }
  printf("error %.4f\n", gradient(0, 1));
  return muon_mpi_detach(link) || muon_optimizer_destroy(muon) || MPI_Finalize();
}
