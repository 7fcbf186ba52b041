/* What scale.py --measure runs on each rank: steps of two optimizers on the same matrices, in turn, of which one
 * has an exchange. Rank 0 prints the times of the slowest rank as JSON. */
#include <muon_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MATRICES = 12, MOST = 1000 };

static void require(int failed, const char *what) {
  if (!failed) return;
  fprintf(stderr, "%s: %s\n", what, muon_last_error());
  MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 9;
  static double seconds[2][MOST];
  static const char *const names[2] = {"replicated", "owned"};
  float *data[2][MATRICES], *grad[MATRICES];
  size_t count[MATRICES];
  muon_optimizer *muon[2];
  muon_mpi_link *link;
  int provided, rank, same = 1, length, version_length;
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rounds < 1 || rounds > MOST) return fprintf(stderr, "1 to %d rounds\n", MOST), 1;
  for (int i = 0; i < MATRICES; i++) {
    /* Of a layer four are square, one is tall, and one is wide. */
    const int64_t shape[2] = {i % 6 == 4 ? 3072 : 768, i % 6 == 5 ? 3072 : 768};
    count[i] = (size_t)(shape[0] * shape[1]);
    grad[i] = malloc(count[i] * sizeof(float));
    require(!grad[i], "memory");
    for (size_t k = 0; k < count[i]; k++) grad[i][k] = (float)((k * 7919 + (size_t)i) % 1013) / 506.5f - 1;
    for (int which = 0; which < 2; which++) {
      muon_param param;
      if (i == 0) require(muon_optimizer_create_muon(NULL, &muon[which]), "create");
      data[which][i] = calloc(count[i], sizeof(float));
      require(!data[which][i], "memory");
      muon_param_set(&param, NULL, data[which][i], grad[i], 2, shape);
      require(muon_optimizer_add_param(muon[which], 0, &param, NULL), "add");
    }
  }
  require(muon_mpi_attach(muon[1], MPI_COMM_WORLD, 60, &link), "attach");
  for (int round = -2; round < rounds; round++)
    for (int turn = 0; turn < 2; turn++) {
      const int which = (round & 1) ^ turn;
      double start, own, slowest;
      MPI_Barrier(MPI_COMM_WORLD);
      start = MPI_Wtime();
      require(muon_optimizer_step(muon[which]), "step");
      own = MPI_Wtime() - start;
      MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
      if (round >= 0) seconds[which][round] = slowest;
    }
  for (int i = 0; i < MATRICES; i++) same &= !memcmp(data[0][i], data[1][i], count[i] * sizeof(float));
  MPI_Get_library_version(mpi, &length);
  for (version_length = 0; version_length < length && mpi[version_length] != ','; version_length++)
    if (mpi[version_length] == '\n' || mpi[version_length] == '"' || mpi[version_length] == '\t') mpi[version_length] = ' ';
  mpi[version_length] = 0;
  if (rank == 0) {
    printf("{\"library\": \"%s\", \"mpi\": \"%s\", \"same\": %s, \"seconds\": {", muon_build_info(), mpi,
           same ? "true" : "false");
    for (int which = 0; which < 2; which++) {
      printf("%s\"%s\": [", which ? ", " : "", names[which]);
      for (int round = 0; round < rounds; round++) printf("%s%.6f", round ? ", " : "", seconds[which][round]);
      printf("]");
    }
    printf("}}\n");
  }
  require(muon_mpi_detach(link), "detach");
  MPI_Finalize();
  return 0;
}
