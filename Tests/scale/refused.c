/* What muon_mpi_attach refuses. */
#include <math.h>
#include <muon_mpi.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int refused(muon_status status, muon_status expected, const char *text) {
  if (status == expected && strstr(muon_last_error(), text)) return 1;
  printf("%s, expected %s: %s\n", muon_status_name(status), muon_status_name(expected), muon_last_error());
  return 0;
}

int main(int argc, char **argv) {
  muon_optimizer *muon;
  muon_mpi_link *link = NULL;
  MPI_Comm half, inter;
  int provided, rank, fine;
  char own[80];
  if (muon_optimizer_create_muon(NULL, &muon)) return 1;
  fine = refused(muon_mpi_attach(muon, MPI_COMM_WORLD, 5, &link), MUON_ERR_EXCHANGE, "not initialized");
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  fine &= refused(muon_mpi_attach(muon, MPI_COMM_NULL, 5, &link), MUON_ERR_EXCHANGE, "MPI_COMM_NULL");
  snprintf(own, sizeof own, "rank %d: outLink is NULL", rank);
  fine &= refused(muon_mpi_attach(muon, MPI_COMM_WORLD, 5, NULL), MUON_ERR_EXCHANGE, own);
  for (int i = 0; i < 3; i++) {
    const double timeouts[] = {0, -1, (double)NAN};
    fine &= refused(muon_mpi_attach(muon, MPI_COMM_WORLD, timeouts[i], &link), MUON_ERR_EXCHANGE, "timeout");
  }
  fine &= refused(muon_mpi_attach(NULL, MPI_COMM_WORLD, 5, &link), MUON_ERR_INVALID_ARGUMENT, "NULL");
  MPI_Comm_split(MPI_COMM_WORLD, rank, 0, &half);
  MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank, 7, &inter);
  fine &= refused(muon_mpi_attach(muon, inter, 5, &link), MUON_ERR_EXCHANGE, "intercommunicator");
  fine &= link == NULL && muon_mpi_detach(NULL) == MUON_OK;
  fine &= muon_mpi_attach(muon, half, 5, &link) == MUON_OK && link->rank == 0 && link->rank_count == 1;
  /* A child has its parent's connections. */
  pid_t child = fork();
  if (child == 0) {
    fine = refused(muon_optimizer_step(muon), MUON_ERR_EXCHANGE, "a fork of the process that is the rank");
    fine &= muon_mpi_detach(link) == MUON_OK && muon_optimizer_step(muon) == MUON_OK;
    fflush(stdout);
    _exit(fine ? 7 : 1);
  }
  int status = 0;
  fine &= waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7;
  /* One that was destroyed first. */
  fine &= muon_optimizer_destroy(muon) == MUON_OK && muon_mpi_detach(link) == MUON_OK;
  MPI_Comm_free(&inter);
  MPI_Comm_free(&half);
  MPI_Finalize();
  puts(fine ? "fine" : "not fine");
  return !fine;
}
