// muon::MPILink: the ranks come to what one comes to.
#include <muon_mpi.hpp>

#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

static std::vector<float> train(bool together) {
  std::vector<float> w(48 * 32), w_grad(w.size()), v(20 * 20), v_grad(v.size()), b(9), b_grad(9);
  for (std::size_t i = 0; i < w.size(); i++) w[i] = static_cast<float>(i * 7 % 23) / 16;
  for (std::size_t i = 0; i < v.size(); i++) v[i] = static_cast<float>(i * 5 % 19) / 16;
  muon::Muon muon({{"w", {48, 32}, w, w_grad}, {"v", {20, 20}, v, v_grad}});
  muon::AdamW adamw({{"b", {9}, b, b_grad}});
  std::vector<muon::MPILink> links;
  if (together) {
    links.emplace_back(muon::OptimizerList{muon, adamw}, MPI_COMM_WORLD, 30);
    if (muon.owner(0) == -1 || adamw.owner(0) != -1) std::puts("owners are wrong");
  }
  for (int step = 0; step < 5; step++) {
    for (auto *grad : {&w_grad, &v_grad, &b_grad})
      for (std::size_t i = 0; i < grad->size(); i++)
        (*grad)[i] = static_cast<float>((i * 3 + static_cast<std::size_t>(step)) % 17) - 8;
    muon::step({muon, adamw});
  }
  links.clear();
  if (muon.owner(0) != -1) std::puts("it is still linked");
  w.insert(w.end(), v.begin(), v.end());
  w.insert(w.end(), b.begin(), b.end());
  return w;
}

int main(int argc, char **argv) {
  int provided, rank;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const bool same = train(true) == train(false);
  bool named = false;
  try {
    std::vector<float> w(6, static_cast<float>(rank));
    muon::Muon muon({{"w", {2, 3}, w}});
    muon::MPILink link(muon);
  } catch (const muon::Error &error) {
    named = error.status() == muon::Status::exchange;
  }
  bool counted = false;
  try {
    std::vector<float> w(6), v(6);
    muon::Muon first({{"w", {2, 3}, w}}), second({{"v", {2, 3}, v}});
    if (rank == 0) muon::MPILink link(first, MPI_COMM_WORLD, 20);
    else muon::MPILink link({first, second}, MPI_COMM_WORLD, 20);
  } catch (const muon::Error &error) {
    counted = std::strstr(error.what(), "the ranks differ in the number of optimizers, here ");
  }
  std::puts(same && named && counted ? "fine" : "not fine");
  MPI_Finalize();
}
